"""Keys of stations and centre: signing (Ed25519 or ES256) and opening (HPKE MLKEM768_X25519).

A key's `kid` is the first 8 bytes of SHA-256 over its COSE algorithm number (as text) and its public bytes. Private
keys are JSON texts `{"type", "alg", "private"}`, public ones `{"type", "alg", "public"}`, base64 inside. Where these
texts lie, and with which file mode, is the caller's matter. Must never log or print private bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from wire.errors import WireError


class KeyInvalid(WireError, ValueError):
    """A key file that is not one. Parameter `reason`."""

    message_id = "error.key"


class SignatureAlgorithm(IntEnum):
    """COSE numbers: RFC 9864 fully-specified Ed25519 and ESP256 (ECDSA P-256 with SHA-256)."""

    ED25519 = -19
    ESP256 = -9


HPKE_MLKEM768_X25519_KE = -70_001
"""COSE algorithm of a recipient: HPKE key encryption with MLKEM768_X25519 (X-Wing), HKDF-SHA256, AES-256-GCM.

Private-use number (below -65536): draft-ietf-cose-hpke-pq-pqt has not been assigned numbers yet.
"""

SEALING_PUBLIC_BYTES = 1184 + 32
ENCAPSULATED_BYTES = 1088 + 32
KID_BYTES = 8

_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_P256_POINT_BYTES = 65
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_id(algorithm: int, public: bytes) -> bytes:
    """The 8-byte kid of a public key."""
    return hashlib.sha256(str(algorithm).encode() + b":" + public).digest()[:KID_BYTES]


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public signing key: 32 bytes (Ed25519) or 65 bytes uncompressed point (ESP256)."""

    algorithm: SignatureAlgorithm
    public: bytes

    @property
    def kid(self) -> bytes:
        return key_id(self.algorithm, self.public)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` (64 bytes, RFC 9053 form; ECDSA in low-S form only) is this key's over `data`."""
        if len(signature) != 64:
            return False
        try:
            if self.algorithm is SignatureAlgorithm.ED25519:
                ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
                return True
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            if not 0 < s <= _P256_ORDER // 2:
                return False
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.public)
            point.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
            return True
        except (InvalidSignature, ValueError):
            return False

    def to_json(self) -> str:
        return _dump("eid-verifying-key", int(self.algorithm), "public", self.public)

    @classmethod
    def from_json(cls, text: str | bytes) -> VerifyingKey:
        """Raises KeyInvalid."""
        algorithm, public = _load(text, "eid-verifying-key", "public")
        key = cls(_signature_algorithm(algorithm), public)
        _check_public(key)
        return key


class Signer(Protocol):
    """What signing needs: a file key here, a key that never leaves a TPM or OTP elsewhere."""

    @property
    def verifying_key(self) -> VerifyingKey: ...

    def sign(self, data: bytes) -> bytes: ...


class SigningKey:
    """A private signing key held in memory."""

    def __init__(self, private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        if isinstance(private, ed25519.Ed25519PrivateKey):
            raw = private.public_key().public_bytes_raw()
            self._public = VerifyingKey(SignatureAlgorithm.ED25519, raw)
        else:
            point = private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            self._public = VerifyingKey(SignatureAlgorithm.ESP256, point)

    @property
    def verifying_key(self) -> VerifyingKey:
        return self._public

    def sign(self, data: bytes) -> bytes:
        """64 bytes, RFC 9053 form; ECDSA signatures are brought to low S."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(data)
        r, s = decode_dss_signature(self._private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big")

    @classmethod
    def generate(cls, algorithm: SignatureAlgorithm = SignatureAlgorithm.ED25519) -> SigningKey:
        if algorithm is SignatureAlgorithm.ED25519:
            return cls(ed25519.Ed25519PrivateKey.generate())
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The Ed25519 key of a 32-byte seed (test vectors)."""
        return cls(ed25519.Ed25519PrivateKey.from_private_bytes(seed))

    def to_json(self) -> str:
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            secret = self._private.private_bytes_raw()
        else:
            secret = self._private.private_numbers().private_value.to_bytes(32, "big")
        return _dump("eid-signing-key", int(self._public.algorithm), "private", secret)

    @classmethod
    def from_json(cls, text: str | bytes) -> SigningKey:
        """Raises KeyInvalid."""
        algorithm, secret = _load(text, "eid-signing-key", "private")
        try:
            if _signature_algorithm(algorithm) is SignatureAlgorithm.ED25519:
                return cls.from_seed(secret)
            if len(secret) != 32:
                raise KeyInvalid(reason="private bytes")
            return cls(ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1()))
        except ValueError:
            raise KeyInvalid(reason="private bytes") from None


@dataclass(frozen=True, slots=True)
class SealingKey:
    """The public half of an opening key: 1184 bytes ML-KEM-768 then 32 bytes X25519."""

    public: bytes

    @property
    def kid(self) -> bytes:
        return key_id(HPKE_MLKEM768_X25519_KE, self.public)

    def wrap(self, key: bytes, info: bytes) -> tuple[bytes, bytes]:
        """HPKE base mode: (encapsulated key, ciphertext of `key`). Raises KeyInvalid for bytes that are no key."""
        try:
            public = hpke.MLKEM768X25519PublicKey(
                mlkem.MLKEM768PublicKey.from_public_bytes(self.public[:1184]),
                x25519.X25519PublicKey.from_public_bytes(self.public[1184:]),
            )
            both = _SUITE.encrypt(key, public, info)
        except ValueError:
            raise KeyInvalid(reason="public bytes") from None
        return both[:ENCAPSULATED_BYTES], both[ENCAPSULATED_BYTES:]

    def to_json(self) -> str:
        return _dump("eid-sealing-key", HPKE_MLKEM768_X25519_KE, "public", self.public)

    @classmethod
    def from_json(cls, text: str | bytes) -> SealingKey:
        """Raises KeyInvalid."""
        algorithm, public = _load(text, "eid-sealing-key", "public")
        if algorithm != HPKE_MLKEM768_X25519_KE or len(public) != SEALING_PUBLIC_BYTES:
            raise KeyInvalid(reason="algorithm or length")
        key = cls(public)
        # Found when the file is loaded, not when the first capture is to be sealed: ML-KEM's modulus check (FIPS 203
        # section 7.2) and X25519 points of small order.
        key.wrap(bytes(32), b"")
        return key


class OpeningKey:
    """A private opening key, kept as its 32-byte seed (X-Wing: SHAKE-256 expands it to both components)."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise KeyInvalid(reason="seed length")
        self._seed = seed
        expanded = hashlib.shake_256(seed).digest(96)
        lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
        self._private = hpke.MLKEM768X25519PrivateKey(lattice, curve)
        self.sealing_key = SealingKey(
            lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw(),
        )

    def unwrap(self, encapsulated: bytes, ciphertext: bytes, info: bytes) -> bytes | None:
        """The wrapped key, or None where it does not open with this key and `info`."""
        try:
            return bytes(_SUITE.decrypt(encapsulated + ciphertext, self._private, info))
        except (InvalidTag, ValueError):
            return None

    def to_json(self) -> str:
        return _dump("eid-opening-key", HPKE_MLKEM768_X25519_KE, "private", self._seed)

    @classmethod
    def from_json(cls, text: str | bytes) -> OpeningKey:
        """Raises KeyInvalid."""
        algorithm, seed = _load(text, "eid-opening-key", "private")
        if algorithm != HPKE_MLKEM768_X25519_KE:
            raise KeyInvalid(reason="algorithm")
        return cls(seed)


_ED25519_PRIME = 2**255 - 19
_ED25519_ORDER_8_Y = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_ED25519_SMALL_ORDER_Y = frozenset(
    {0, 1, _ED25519_PRIME - 1, _ED25519_PRIME, _ED25519_PRIME + 1}
    | {_ED25519_ORDER_8_Y, _ED25519_PRIME - _ED25519_ORDER_8_Y}
)
"""y of the eight points whose order divides 8, not reduced forms included: under such a key one signature fits all."""


def _dump(kind: str, algorithm: int, field: str, raw: bytes) -> str:
    return json.dumps({"type": kind, "alg": algorithm, field: base64.b64encode(raw).decode()}) + "\n"


def _load(text: str | bytes, kind: str, field: str) -> tuple[int, bytes]:
    """Algorithm number and key bytes. What fails is not chained to the error: it could hold the key's text."""
    try:
        parsed: Any = json.loads(text)
        raw = base64.b64decode(parsed[field], validate=True)
        fits = set(parsed) == {"type", "alg", field} and parsed["type"] == kind and type(parsed["alg"]) is int
    except (ValueError, TypeError, LookupError, RecursionError):
        raise KeyInvalid(reason=f"not an {kind}") from None
    if not fits:
        raise KeyInvalid(reason=f"not an {kind}")
    return parsed["alg"], raw


def _signature_algorithm(number: int) -> SignatureAlgorithm:
    try:
        return SignatureAlgorithm(number)
    except ValueError as error:
        raise KeyInvalid(reason="algorithm") from error


def _check_public(key: VerifyingKey) -> None:
    try:
        if key.algorithm is SignatureAlgorithm.ED25519:
            ed25519.Ed25519PublicKey.from_public_bytes(key.public)
            if _ed25519_y(key.public) in _ED25519_SMALL_ORDER_Y:
                raise KeyInvalid(reason="public bytes")
        else:
            # The library also reads compressed points; their kid would be another one.
            if len(key.public) != _P256_POINT_BYTES:
                raise KeyInvalid(reason="public bytes")
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public)
    except ValueError:
        raise KeyInvalid(reason="public bytes") from None


def _ed25519_y(public: bytes) -> int:
    """The y coordinate of an encoded point (RFC 8032 section 5.1.3), not reduced."""
    return int.from_bytes(public, "little") & ((1 << 255) - 1)
