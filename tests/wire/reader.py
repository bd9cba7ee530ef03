"""A second reader of the wire, written from docs/wire.md alone, over cbor2 and the primitives of `cryptography`.

It imports nothing of the package `wire`, builds HPKE and the hybrid KEM from their parts, and does everything at once
where the product goes in steps. Two readers that agree on each vector and each mutation make the page a specification.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ED25519, ESP256, HPKE_KE, A256GCM = -19, -9, -70_001, 3
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
STATION = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")


class Rejected(Exception):
    """Its one argument is the reason of docs/wire.md."""


@dataclass(frozen=True)
class Public:
    """A verifying key as the receiver knows it."""

    algorithm: int
    raw: bytes


@dataclass(frozen=True)
class Opened:
    type: str
    sender: str
    recipient: str
    object_id: str
    content: bytes


def kid(algorithm: int, public: bytes) -> bytes:
    return hashlib.sha256(b"%d:" % algorithm + public).digest()[:8]


# -- deterministic CBOR ------------------------------------------------------------------------------------------------


def decode(data: bytes, most: int = 524_288) -> Any:
    """By construction: decode leniently, write the one encoding by own hand, compare."""
    try:
        value = cbor2.loads(data)
        if own_encoding(value, 0) != data or items(value) > most:
            raise Rejected("not_canonical")
    except Rejected:
        raise
    except Exception:
        raise Rejected("not_canonical") from None
    return value


def items(value: Any) -> int:
    if type(value) is dict:
        return 1 + sum(items(key) + items(item) for key, item in value.items())
    return 1 + sum(map(items, value)) if type(value) is list else 1


def head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise Rejected("not_canonical")


def own_encoding(value: Any, depth: int) -> bytes:
    if depth > 16:
        raise Rejected("not_canonical")
    if value is None or value is True or value is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if type(value) is int:
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if type(value) is bytes:
        return head(2, len(value)) + value
    if type(value) is str:
        return head(3, len(value.encode())) + value.encode()
    if type(value) is float:
        return own_float(value)
    if type(value) is list:
        return head(4, len(value)) + b"".join(own_encoding(item, depth + 1) for item in value)
    if type(value) is dict:
        for key in value:
            if not (type(key) is str or (type(key) is int and -24 <= key <= 23)):
                raise Rejected("not_canonical")
        pairs = sorted((own_encoding(key, depth + 1), own_encoding(item, depth + 1)) for key, item in value.items())
        return head(5, len(value)) + b"".join(key + item for key, item in pairs)
    raise Rejected("not_canonical")


def own_float(value: float) -> bytes:
    if value != value:
        return b"\xf9\x7e\x00"
    for prefix, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return prefix + packed
    return b"\xfb" + struct.pack(">d", value)


def write(value: Any) -> bytes:
    return own_encoding(value, 0)


# -- HPKE base mode, KEM 0x647a, KDF 0x0001, AEAD 0x0002 ---------------------------------------------------------------

SUITE = b"HPKE" + bytes.fromhex("647a00010002")


def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE + label + ikm, "sha256")


def expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + info
    out, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(secret, block + labelled + bytes([number]), "sha256")
        out += block
    return out[:length]


def decapsulate(seed: bytes, encapsulated: bytes) -> bytes:
    expanded = hashlib.shake_256(seed).digest(96)
    curve = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
    lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    first, second = encapsulated[:1088], encapsulated[1088:]
    shared_lattice = lattice.decapsulate(first)
    shared_curve = curve.exchange(x25519.X25519PublicKey.from_public_bytes(second))
    own = curve.public_key().public_bytes_raw()
    return hashlib.sha3_256(shared_lattice + shared_curve + second + own + b"\\.//^\\").digest()


def hpke_open(seed: bytes, encapsulated: bytes, ciphertext: bytes, info: bytes) -> bytes:
    shared = decapsulate(seed, encapsulated)
    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def public_of_seed(seed: bytes) -> bytes:
    expanded = hashlib.shake_256(seed).digest(96)
    lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
    return lattice + x25519.X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()


# -- signatures --------------------------------------------------------------------------------------------------------


def holds(key: Public, signature: bytes, data: bytes) -> bool:
    if len(signature) != 64:
        return False
    try:
        if key.algorithm == ED25519:
            ed25519.Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, data)
            return True
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (1 <= r < P256_ORDER and 1 <= s <= P256_ORDER // 2):
            return False
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
        point.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False


def need(condition: bool, reason: str = "structure") -> None:
    if not condition:
        raise Rejected(reason)


def array(value: Any, length: int) -> list[Any]:
    need(type(value) is list and len(value) == length)
    return value  # type: ignore[no-any-return]


def header(raw: Any) -> dict[Any, Any]:
    need(type(raw) is bytes)
    value = decode(raw, 64)
    need(type(value) is dict)
    return value  # type: ignore[no-any-return]


def key_header(raw: Any) -> tuple[int, bytes]:
    """`{1: alg, 4: kid}`."""
    value = header(raw)
    need(set(value) == {1, 4} and type(value[1]) is int)
    need(type(value[4]) is bytes and len(value[4]) == 8)
    return value[1], value[4]


# -- envelope and message ----------------------------------------------------------------------------------------------


def open_envelope(envelope: bytes, keys: list[Public], seeds: list[bytes]) -> Opened:
    """All of section "Order of checks" up to the content. Raises Rejected."""
    need(len(envelope) <= 2_097_152, "too_large")
    sign, encrypt = array(decode(envelope, 64), 2)
    body, unprotected, payload, signatures = array(sign, 4)
    need(unprotected == {} and type(signatures) is list and 1 <= len(signatures) <= 2)
    signed = []
    for entry in signatures:
        raw, unprotected, signature = array(entry, 3)
        algorithm, name = key_header(raw)
        need(unprotected == {} and type(signature) is bytes)
        signed.append((raw, algorithm, name, signature))
    names = [name for _, _, name, _ in signed]
    need(len(set(names)) == len(names))
    routing = routing_of(header(body))
    encrypted = write(encrypt)
    need(type(payload) is bytes and payload == hashlib.sha256(encrypted).digest(), "digest")
    protected, nonce, ciphertext, recipients = encryption_of(encrypt)

    known = {kid(key.algorithm, key.raw): key for key in keys}
    need(bool(known) and set(names) == set(known), "unknown_signer")
    for raw, algorithm, name, signature in signed:
        need(algorithm == known[name].algorithm, "signature")
        need(holds(known[name], signature, write(["Signature", body, raw, b"", payload])), "signature")

    ours = {kid(HPKE_KE, public_of_seed(seed)): seed for seed in seeds}
    for raw, name, encapsulated, wrapped in recipients:
        if name not in ours:
            continue
        try:
            content_key = hpke_open(ours[name], encapsulated, wrapped, write(["HPKE Recipient", A256GCM, raw, b""]))
            content = AESGCM(content_key).decrypt(nonce, ciphertext, write(["Encrypt", protected, b""]))
        except (InvalidTag, ValueError):
            raise Rejected("decryption") from None
        return Opened(*routing, content)
    raise Rejected("not_for_us")


def routing_of(value: dict[Any, Any]) -> tuple[str, str, str, str]:
    labels = ["from", "id", "to", "v", 16]
    critical = value.get(2)
    need(type(critical) is list, "header")
    assert isinstance(critical, list)
    need(all(type(label) in (int, str) and label in labels for label in critical), "unknown_critical")
    need(critical == labels and set(value) == {2, *labels}, "header")
    need(type(value["v"]) is int and value["v"] == 1, "unknown_version")
    need(value[16] in ("eid-bundle", "eid-case"), "wrong_type")
    need(all(type(value[label]) is str for label in ("from", "to", "id")), "header")
    up = value[16] == "eid-bundle"
    station, centre = (value["from"], value["to"]) if up else (value["to"], value["from"])
    named_like_centre = station == "centre" or station.startswith("centre-")
    need(centre == "centre" and not named_like_centre and STATION.fullmatch(station) is not None, "header")
    need(ULID.fullmatch(value["id"]) is not None, "header")
    return value[16], value["from"], value["to"], value["id"]


def encryption_of(encrypt: Any) -> tuple[bytes, bytes, bytes, list[tuple[bytes, bytes, bytes, bytes]]]:
    protected, unprotected, ciphertext, recipients = array(encrypt, 4)
    inner = header(protected)
    need(set(inner) == {1, 5} and type(inner[1]) is int and inner[1] == A256GCM)
    need(type(inner[5]) is bytes and len(inner[5]) == 12)
    need(unprotected == {} and type(ciphertext) is bytes and len(ciphertext) >= 16)
    need(type(recipients) is list and 1 <= len(recipients) <= 2)
    found = []
    for entry in recipients:
        raw, unprotected, wrapped = array(entry, 3)
        algorithm, name = key_header(raw)
        need(algorithm == HPKE_KE)
        need(type(unprotected) is dict and set(unprotected) == {-4} and type(wrapped) is bytes and len(wrapped) == 48)
        need(type(unprotected[-4]) is bytes and len(unprotected[-4]) == 1120)
        found.append((raw, name, unprotected[-4], wrapped))
    need(len({name for _, name, _, _ in found}) == len(found))
    return protected, inner[5], ciphertext, found


def open_message(message: bytes, kind: str, keys: list[Public]) -> Any:
    """The payload of a signed message, decoded. Raises Rejected: size, form, type, signer, signature."""
    need(len(message) <= 65_536, "size")
    try:
        raw, unprotected, payload, signature = array(decode(message, 16), 4)
        need(unprotected == {} and type(payload) is bytes and type(signature) is bytes)
        value = header(raw)
        need(set(value) == {1, 4, 16})
    except Rejected:
        raise Rejected("form") from None
    need(value[16] == kind, "type")
    found = [key for key in keys if kid(key.algorithm, key.raw) == value[4] and type(value[1]) is int]
    need(bool(found) and found[0].algorithm == value[1], "signer")
    need(holds(found[0], signature, write(["Signature1", raw, b"", payload])), "signature")
    return decode(payload)
