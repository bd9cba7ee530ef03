"""Keys: the texts they are kept as, what is refused when they are read, and what signatures and wrapped keys bind."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import samples
from tests.wire.fuzzing import fuzz
from tests.wire.malformed import P256_ORDER, high_s
from wire.keys import (
    HPKE_MLKEM768_X25519_KE,
    KeyInvalid,
    OpeningKey,
    SealingKey,
    SignatureAlgorithm,
    SigningKey,
    VerifyingKey,
)

READERS: list[Callable[[str | bytes], Any]] = [
    VerifyingKey.from_json,
    SigningKey.from_json,
    SealingKey.from_json,
    OpeningKey.from_json,
]
TEXTS = [
    samples.STATION_KEY.verifying_key.to_json(),
    samples.STATION_KEY.to_json(),
    samples.CENTRE_OPENING.sealing_key.to_json(),
    samples.CENTRE_OPENING.to_json(),
    samples.STATION_P256_KEY.verifying_key.to_json(),
    samples.STATION_P256_KEY.to_json(),
]
ED25519_PRIME = 2**255 - 19
ED25519_D = -121665 * pow(121666, -1, ED25519_PRIME) % ED25519_PRIME


def text(kind: str, alg: Any, field: str, raw: bytes) -> str:
    return json.dumps({"type": kind, "alg": alg, field: base64.b64encode(raw).decode()})


def refused(read: Callable[[str | bytes], Any], raw: str | bytes) -> bool:
    try:
        read(raw)
    except KeyInvalid:
        return True
    return False


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_a_fresh_signing_key_survives_its_text(algorithm: SignatureAlgorithm) -> None:
    """Written, read, and still the same key; the text says its kind and algorithm."""
    key = SigningKey.generate(algorithm)
    again = SigningKey.from_json(key.to_json())

    assert again.verifying_key == key.verifying_key
    assert key.verifying_key.verify(again.sign(b"data"), b"data")
    assert json.loads(key.to_json()).keys() == {"type", "alg", "private"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["-19", -19, 1e999]),
    lambda child: (
        st.lists(child, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "alg", "private", "public"]) | st.text(max_size=4), child, max_size=4
        )
    ),
)


@fuzz
@given(st.binary(max_size=60) | st.text(max_size=60) | JSON.map(json.dumps))
def test_what_is_no_key_is_refused_by_name(raw: str | bytes) -> None:
    """Any bytes, any JSON: KeyInvalid and nothing else."""
    assert all(refused(read, raw) for read in READERS)


@fuzz
@given(st.sampled_from(TEXTS), st.sampled_from(["type", "alg", "private", "public", "extra"]), JSON)
def test_a_key_text_with_one_entry_changed_is_refused(whole: str, name: str, value: Any) -> None:
    """Another type, number, or bytes, or an entry too many."""
    fields = json.loads(whole)
    changed = json.dumps({**fields, name: value})
    if fields.get(name) == value and type(fields.get(name)) is type(value):
        return

    assert all(refused(read, changed) for read in READERS)


def test_a_key_text_is_read_by_its_own_kind_only() -> None:
    """A private key is no public one; a signing key does not open."""
    accepted = [[not refused(read, whole) for read in READERS] for whole in TEXTS[:4]]

    assert accepted == [[row == column for column in range(4)] for row in range(4)]


@pytest.mark.parametrize(
    "number", ["-19", -19.0, -8, -7, -9, 0, True, None, [-19], float("inf"), float("nan"), 10**400]
)
def test_the_algorithm_is_an_exact_integer(number: Any) -> None:
    """Not its text, not a real, not another number (-9 does not fit 32 bytes), not infinity."""
    assert refused(VerifyingKey.from_json, text("eid-verifying-key", number, "public", bytes([2]) * 32))


def square_root(square: int) -> int | None:
    """Modulo the prime of Curve25519 (RFC 8032 section 5.1.3)."""
    root = pow(square, (ED25519_PRIME + 3) // 8, ED25519_PRIME)
    if root * root % ED25519_PRIME != square:
        root = root * pow(2, (ED25519_PRIME - 1) // 4, ED25519_PRIME) % ED25519_PRIME
    return root if root * root % ED25519_PRIME == square else None


def doubled(x: int, y: int) -> tuple[int, int]:
    k = ED25519_D * x * x * y * y % ED25519_PRIME
    double_x = 2 * x * y * pow(1 + k, -1, ED25519_PRIME)
    double_y = (y * y + x * x) * pow(1 - k, -1, ED25519_PRIME)
    return double_x % ED25519_PRIME, double_y % ED25519_PRIME


def small_order_points() -> set[bytes]:
    """All encodings of points whose order divides 8, from the curve's equation -x^2 + y^2 = 1 + d x^2 y^2 alone."""
    # A point of order 8 doubles to one with y = 0, so y^2 = -x^2 and d y^4 + 2 y^2 - 1 = 0.
    root = square_root(1 + ED25519_D)
    assert root is not None
    squares = [(sign * root - 1) * pow(ED25519_D, -1, ED25519_PRIME) % ED25519_PRIME for sign in (1, -1)]
    y = next(found for square in squares if (found := square_root(square)) is not None)
    of_order = {0, 1, ED25519_PRIME - 1, y, ED25519_PRIME - y}
    for y in of_order:
        x = square_root((y * y - 1) * pow(ED25519_D * y * y + 1, -1, ED25519_PRIME) % ED25519_PRIME)
        assert x is not None
        assert doubled(*doubled(*doubled(x, y))) == (0, 1)
    # Also the encodings that are not reduced, and both signs of x.
    unreduced = {y + ED25519_PRIME for y in of_order if y + ED25519_PRIME < 2**255}
    return {(y | sign << 255).to_bytes(32, "little") for y in of_order | unreduced for sign in (0, 1)}


def test_no_key_of_small_order_is_taken() -> None:
    """Under such a key one signature fits every message: a station could disown what it signed."""
    points = small_order_points()
    identity = (1).to_bytes(32, "little")
    weak = VerifyingKey(SignatureAlgorithm.ED25519, identity)

    assert weak.verify(identity + bytes(32), b"any message"), "the library takes it, so this check must not"
    assert len(points) == 14
    assert all(refused(VerifyingKey.from_json, text("eid-verifying-key", -19, "public", raw)) for raw in points)


def test_a_p256_key_is_an_uncompressed_point_on_the_curve() -> None:
    """The compressed form of the same point would have another kid; a point off the curve is no key."""
    point = samples.STATION_P256_KEY.verifying_key.public
    compressed = bytes([2 + point[-1] % 2]) + point[1:33]
    off = point[:-1] + bytes([point[-1] ^ 1])

    assert not refused(VerifyingKey.from_json, text("eid-verifying-key", -9, "public", point))
    for raw in (compressed, off, point + b"\0", point[:-1], b"", b"\0", bytes(65)):
        assert refused(VerifyingKey.from_json, text("eid-verifying-key", -9, "public", raw))


@pytest.mark.parametrize("secret", [b"\1", bytes(32), bytes(31) + b"\1\0", P256_ORDER.to_bytes(32, "big"), bytes(33)])
def test_a_p256_secret_is_32_bytes_within_the_order(secret: bytes) -> None:
    """Zero, the order itself, and other lengths are refused."""
    assert refused(SigningKey.from_json, text("eid-signing-key", -9, "private", secret))


def test_an_opening_key_is_a_seed_of_32_bytes() -> None:
    """Of the one algorithm there is."""
    assert not refused(OpeningKey.from_json, text("eid-opening-key", HPKE_MLKEM768_X25519_KE, "private", bytes(32)))
    assert refused(OpeningKey.from_json, text("eid-opening-key", HPKE_MLKEM768_X25519_KE - 1, "private", bytes(32)))
    for length in (0, 31, 33, 64, 96):
        raw = text("eid-opening-key", HPKE_MLKEM768_X25519_KE, "private", bytes(length))

        assert refused(OpeningKey.from_json, raw)


def test_a_sealing_key_is_checked_when_it_is_read() -> None:
    """A damaged centre key is found at start, not at the first capture."""
    good = samples.CENTRE_OPENING.sealing_key.public
    for raw in (good[:-1], good + b"\0", b"", b"\xff" * 1184 + good[1184:], good[:1184] + bytes(32)):
        assert refused(SealingKey.from_json, text("eid-sealing-key", HPKE_MLKEM768_X25519_KE, "public", raw))
    with pytest.raises(KeyInvalid):
        SealingKey(b"\xff" * 1216).wrap(bytes(32), b"")


@fuzz
@given(st.binary(max_size=40), st.binary(max_size=70), st.sampled_from([samples.STATION_KEY, samples.STATION_P256_KEY]))
def test_a_signature_holds_for_its_data_and_key_only(data: bytes, other: bytes, key: SigningKey) -> None:
    """Other data, other bytes as signature, another key: false, never an exception."""
    signature = key.sign(data)
    public = key.verifying_key

    assert public.verify(signature, data)
    assert public.verify(signature, other) == (other == data)
    assert not public.verify(other, data)
    assert not samples.OTHER_KEY.verifying_key.verify(signature, data)


def test_ecdsa_has_one_form() -> None:
    """High s is refused, and signing makes low s, whatever the library gave."""
    key = samples.STATION_P256_KEY
    for number in range(20):
        signature = key.sign(bytes([number]))

        assert int.from_bytes(signature[32:], "big") <= P256_ORDER // 2
        assert not key.verifying_key.verify(high_s(signature), bytes([number]))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256 - 1, 1), (P256_ORDER + 1, 1)]
)
def test_ecdsa_numbers_out_of_range_are_refused(r: int, s: int) -> None:
    """False, not an exception."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")

    assert not samples.STATION_P256_KEY.verifying_key.verify(signature, b"data")


@fuzz
@given(st.binary(max_size=1200), st.binary(max_size=60), st.binary(max_size=20))
def test_unwrapping_garbage_gives_none(encapsulated: bytes, wrapped: bytes, info: bytes) -> None:
    """Whatever the lengths."""
    assert samples.CENTRE_OPENING.unwrap(encapsulated, wrapped, info) is None


def test_a_wrapped_key_is_bound_to_key_and_info() -> None:
    """One recipient, one context."""
    encapsulated, wrapped = samples.CENTRE_OPENING.sealing_key.wrap(b"k" * 32, b"info")

    assert samples.CENTRE_OPENING.unwrap(encapsulated, wrapped, b"info") == b"k" * 32
    assert samples.CENTRE_OPENING.unwrap(encapsulated, wrapped, b"inf") is None
    assert samples.ESCROW_OPENING.unwrap(encapsulated, wrapped, b"info") is None
    assert samples.CENTRE_OPENING.unwrap(encapsulated[:1088] + bytes(32), wrapped, b"info") is None


def test_no_error_or_repr_shows_a_private_byte() -> None:
    """Keys end up in logs by way of exceptions; the chain is cut too."""
    secret = base64.b64encode(samples.seed(0x11)).decode()
    broken = samples.CENTRE_OPENING.to_json().replace("eid-opening-key", "eid-opening-kex")
    with pytest.raises(KeyInvalid) as caught:
        OpeningKey.from_json(broken)
    shown = [repr(key) for key in (samples.CENTRE_OPENING, samples.STATION_KEY)]

    assert caught.value.__cause__ is None
    assert not any(secret in found or samples.seed(0x11).hex() in found for found in [str(caught.value), *shown])


def test_kids_tell_algorithms_apart() -> None:
    """The same bytes under another algorithm are another key."""
    public = samples.STATION_KEY.verifying_key.public
    kids = {VerifyingKey(algorithm, public).kid for algorithm in SignatureAlgorithm} | {SealingKey(public).kid}

    assert len(kids) == 3
    assert all(len(kid) == 8 for kid in kids)


def test_the_sample_secret_is_the_vector_secret() -> None:
    """Holds the samples to what the vectors say."""
    private = ec.derive_private_key(samples.P256_SECRET, ec.SECP256R1())

    assert SigningKey(private).verifying_key == samples.STATION_P256_KEY.verifying_key
