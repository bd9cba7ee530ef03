"""The envelope: COSE_Sign over COSE_Encrypt (RFC 9052), byte for byte as docs/wire.md says.

The wire object is the CBOR array `[COSE_Sign, COSE_Encrypt]`, both untagged. The content is encrypted once with
AES-256-GCM; the content key is wrapped for one or two recipients by HPKE (draft-ietf-cose-hpke, key-encryption mode).
The signature is made after encryption over the SHA-256 of the encoded COSE_Encrypt, so that a receiver verifies
before it decrypts. Routing facts stand in the protected header of COSE_Sign and nowhere else; the sealed content
repeats station and bundle id, and the receiver must compare them, or a thief could re-sign another's ciphertext.

Pure: keys, times and random bytes come in as arguments. There is no way to open an envelope without verifying it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wire import cbor
from wire.errors import WireError
from wire.ids import CENTRE, is_station_id, is_ulid
from wire.keys import (
    ENCAPSULATED_BYTES,
    HPKE_MLKEM768_X25519_KE,
    KID_BYTES,
    OpeningKey,
    SealingKey,
    Signer,
    VerifyingKey,
)

SCHEMA_VERSION = 1
MAX_ENVELOPE_BYTES = 2 * 1024 * 1024
MAX_ENVELOPE_ITEMS = 64
"""CBOR items outside byte strings; an envelope has fewer, so a bomb costs nothing before a signature was checked."""

_ALG, _CRIT, _KID, _IV, _EK, _TYP = 1, 2, 4, 5, -4, 16
_PAIR, _ARRAY_OF_4, _EMPTY_MAP = b"\x82", b"\x84", b"\xa0"
_A256GCM = 3
_NONCE_BYTES, _KEY_BYTES, _TAG_BYTES = 12, 32, 16
_WRAPPED_BYTES = _KEY_BYTES + _TAG_BYTES
_ROUTING = ["from", "id", "to", "v", _TYP]
_SIGN_CONTEXT, _ENCRYPT_CONTEXT, _RECIPIENT_CONTEXT = "Signature", "Encrypt", "HPKE Recipient"


class EnvelopeType(StrEnum):
    """What is inside; header parameter 16 (typ, RFC 9596)."""

    BUNDLE = "eid-bundle"
    CASE = "eid-case"


class Reason(StrEnum):
    """Why an envelope is rejected; catalogue key `reject.<value>`."""

    TOO_LARGE = "too_large"
    NOT_CANONICAL = "not_canonical"
    STRUCTURE = "structure"
    UNKNOWN_CRITICAL = "unknown_critical"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_TYPE = "wrong_type"
    HEADER = "header"
    DIGEST = "digest"
    UNKNOWN_SIGNER = "unknown_signer"
    SIGNATURE = "signature"
    NOT_FOR_US = "not_for_us"
    DECRYPTION = "decryption"
    CONTENT = "content"
    ROUTING_MISMATCH = "routing_mismatch"


class EnvelopeRejected(WireError, ValueError):
    """Parameter `reason`: a value of Reason."""

    message_id = "error.envelope.rejected"

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason=reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing facts of one envelope.

    `sender` and `recipient` are station ids or `centre`; `object_id` is the bundle id, or the dossier id of a case.
    """

    type: EnvelopeType
    sender: str
    recipient: str
    object_id: str


@dataclass(frozen=True, slots=True)
class _Recipient:
    kid: bytes
    header: bytes
    encapsulated: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class _Encrypt:
    """A COSE_Encrypt whose form is right."""

    protected: bytes
    nonce: bytes
    ciphertext: bytes
    recipients: tuple[_Recipient, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """An envelope whose form is right; nothing is verified yet."""

    routing: Routing
    signer_kids: tuple[bytes, ...]
    recipient_kids: tuple[bytes, ...]
    _sign: tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]
    _encrypt: _Encrypt


@dataclass(frozen=True, slots=True)
class Verified:
    """An envelope whose signatures hold; only this can be opened."""

    routing: Routing
    recipient_kids: tuple[bytes, ...]
    _encrypt: _Encrypt


def digest(envelope: bytes) -> bytes:
    """SHA-256 of the envelope as it travels; what a receipt names."""
    return hashlib.sha256(envelope).digest()


def seal(
    content: bytes,
    routing: Routing,
    signers: Sequence[Signer],
    recipients: Sequence[SealingKey],
    random_bytes: Callable[[int], bytes],
) -> bytes:
    """Encrypts `content` to one or two recipients, then signs.

    Args:
        content: the encoded bundle or case.
        signers: every key the sender is enrolled with, at least one.
        random_bytes: a cryptographic source (os.urandom); called for the content key and the nonce.

    Raises:
        EnvelopeRejected: TOO_LARGE; HEADER for routing facts that are not well formed; STRUCTURE for none, more than
            two, or twice the same signer or recipient.
        KeyInvalid: a recipient's key is none.
    """
    if not 1 <= len(signers) <= 2 or not 1 <= len(recipients) <= 2:
        raise EnvelopeRejected(Reason.STRUCTURE)
    _distinct([signer.verifying_key.kid for signer in signers])
    _distinct([recipient.kid for recipient in recipients])
    _check_routing(routing)
    encrypted = _encrypted(content, recipients, random_bytes)
    payload = hashlib.sha256()
    for part in encrypted:
        payload.update(part)
    body = cbor.encode(
        {
            _CRIT: _ROUTING,
            _TYP: routing.type.value,
            "v": SCHEMA_VERSION,
            "from": routing.sender,
            "to": routing.recipient,
            "id": routing.object_id,
        }
    )
    signatures = [_signed(signer, body, payload.digest()) for signer in signers]
    # Joined, not encoded anew: the signed bytes are the bytes that travel.
    envelope = b"".join((_PAIR, cbor.encode([body, {}, payload.digest(), signatures]), *encrypted))
    if len(envelope) > MAX_ENVELOPE_BYTES:
        raise EnvelopeRejected(Reason.TOO_LARGE)
    return envelope


def parse(envelope: bytes) -> Parsed:
    """The form of an envelope: enough to look up the sender's keys. Raises EnvelopeRejected, never anything else."""
    if len(envelope) > MAX_ENVELOPE_BYTES:
        raise EnvelopeRejected(Reason.TOO_LARGE)
    try:
        whole = cbor.decode(envelope, MAX_ENVELOPE_ITEMS)
    except cbor.CborRejected as error:
        raise EnvelopeRejected(Reason.NOT_CANONICAL) from error
    sign, encrypt = _shape(whole, 2)
    body, unprotected, payload, signatures = _shape(sign, 4)
    if unprotected != {} or not isinstance(signatures, list) or not 1 <= len(signatures) <= 2:
        raise EnvelopeRejected(Reason.STRUCTURE)
    signed = tuple(_signature(entry) for entry in signatures)
    kids = _distinct([kid for _, _, kid in signed])
    routing = _routing(_header(body))
    # There is one encoding only, so the second item is what follows the first.
    second = memoryview(envelope)[len(_PAIR) + len(cbor.encode(sign)) :]
    if not isinstance(payload, bytes) or payload != hashlib.sha256(second).digest():
        raise EnvelopeRejected(Reason.DIGEST)
    parts = _encrypt(encrypt)
    return Parsed(
        routing=routing,
        signer_kids=kids,
        recipient_kids=tuple(recipient.kid for recipient in parts.recipients),
        _sign=(body, payload, tuple((header, signature) for header, signature, _ in signed)),
        _encrypt=parts,
    )


def verify(parsed: Parsed, keys: Sequence[VerifyingKey]) -> Verified:
    """Checks every signature. `keys` are all the keys the sender is enrolled with; each must have signed, no other.

    Raises:
        EnvelopeRejected: UNKNOWN_SIGNER or SIGNATURE.
    """
    known: Mapping[bytes, VerifyingKey] = {key.kid: key for key in keys}
    if not known or set(parsed.signer_kids) != set(known) or any(known[key.kid] != key for key in keys):
        raise EnvelopeRejected(Reason.UNKNOWN_SIGNER)
    body, payload, signatures = parsed._sign
    for (header, signature), kid in zip(signatures, parsed.signer_kids, strict=True):
        key = known[kid]
        if _header(header)[_ALG] != int(key.algorithm):
            raise EnvelopeRejected(Reason.SIGNATURE)
        if not key.verify(signature, _to_be_signed(body, header, payload)):
            raise EnvelopeRejected(Reason.SIGNATURE)
    return Verified(parsed.routing, parsed.recipient_kids, parsed._encrypt)


def open_content(verified: Verified, keys: Sequence[OpeningKey]) -> bytes:
    """The content, opened with whichever of `keys` it was sealed to.

    Raises:
        EnvelopeRejected: NOT_FOR_US or DECRYPTION.
    """
    encrypt = verified._encrypt
    by_kid = {key.sealing_key.kid: key for key in keys}
    for recipient in encrypt.recipients:
        key = by_kid.get(recipient.kid)
        if key is None:
            continue
        content_key = key.unwrap(recipient.encapsulated, recipient.wrapped, _recipient_structure(recipient.header))
        if content_key is None or len(content_key) != _KEY_BYTES:
            raise EnvelopeRejected(Reason.DECRYPTION)
        try:
            associated = cbor.encode([_ENCRYPT_CONTEXT, encrypt.protected, b""])
            return AESGCM(content_key).decrypt(encrypt.nonce, encrypt.ciphertext, associated)
        except InvalidTag as error:
            raise EnvelopeRejected(Reason.DECRYPTION) from error
    raise EnvelopeRejected(Reason.NOT_FOR_US)


def _encrypted(
    content: bytes, recipients: Sequence[SealingKey], random_bytes: Callable[[int], bytes]
) -> tuple[bytes, bytes, bytes]:
    """COSE_Encrypt in three parts: what stands before the ciphertext, the ciphertext, and what follows it."""
    key, nonce = random_bytes(_KEY_BYTES), random_bytes(_NONCE_BYTES)
    protected = cbor.encode({_ALG: _A256GCM, _IV: nonce})
    ciphertext = AESGCM(key).encrypt(nonce, content, cbor.encode([_ENCRYPT_CONTEXT, protected, b""]))
    before = _ARRAY_OF_4 + cbor.encode(protected) + _EMPTY_MAP + cbor.bytes_head(len(ciphertext))
    return before, ciphertext, cbor.encode([_wrap(recipient, key) for recipient in recipients])


def _signed(signer: Signer, body: bytes, payload: bytes) -> list[Any]:
    public = signer.verifying_key
    header = cbor.encode({_ALG: int(public.algorithm), _KID: public.kid})
    return [header, {}, signer.sign(_to_be_signed(body, header, payload))]


def _wrap(recipient: SealingKey, key: bytes) -> list[Any]:
    header = cbor.encode({_ALG: HPKE_MLKEM768_X25519_KE, _KID: recipient.kid})
    encapsulated, wrapped = recipient.wrap(key, _recipient_structure(header))
    return [header, {_EK: encapsulated}, wrapped]


def _recipient_structure(header: bytes) -> bytes:
    """draft-ietf-cose-hpke: [context, next_layer_alg, recipient_protected_header, recipient_extra_info]."""
    return cbor.encode([_RECIPIENT_CONTEXT, _A256GCM, header, b""])


def _to_be_signed(body: bytes, header: bytes, payload: bytes) -> bytes:
    """Sig_structure of RFC 9052 §4.4."""
    return cbor.encode([_SIGN_CONTEXT, body, header, b"", payload])


def _shape(value: Any, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise EnvelopeRejected(Reason.STRUCTURE)
    return value


def _header(raw: Any) -> dict[Any, Any]:
    if not isinstance(raw, bytes):
        raise EnvelopeRejected(Reason.STRUCTURE)
    try:
        header = cbor.decode(raw, MAX_ENVELOPE_ITEMS)
    except cbor.CborRejected as error:
        raise EnvelopeRejected(Reason.NOT_CANONICAL) from error
    if not isinstance(header, dict):
        raise EnvelopeRejected(Reason.STRUCTURE)
    return header


def _is_number(value: Any, number: int | None = None) -> bool:
    """Whether `value` is an integer (and that one). In Python 3.0 == 3 and True == 1; on the wire they differ."""
    return type(value) is int and number in (None, value)


def _is_bytes(value: Any, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _distinct(kids: Sequence[bytes]) -> tuple[bytes, ...]:
    if len(set(kids)) != len(kids):
        raise EnvelopeRejected(Reason.STRUCTURE)
    return tuple(kids)


def _signature(entry: Any) -> tuple[bytes, bytes, bytes]:
    raw, unprotected, signature = _shape(entry, 3)
    header = _header(raw)
    if unprotected != {} or set(header) != {_ALG, _KID} or not isinstance(signature, bytes):
        raise EnvelopeRejected(Reason.STRUCTURE)
    if not _is_bytes(header[_KID], KID_BYTES) or not _is_number(header[_ALG]):
        raise EnvelopeRejected(Reason.STRUCTURE)
    return raw, signature, header[_KID]


def _routing(header: dict[Any, Any]) -> Routing:
    critical = header.get(_CRIT)
    if not isinstance(critical, list):
        raise EnvelopeRejected(Reason.HEADER)
    if any(type(label) not in (int, str) or label not in _ROUTING for label in critical):
        raise EnvelopeRejected(Reason.UNKNOWN_CRITICAL)
    if critical != _ROUTING or set(header) != {_CRIT, *_ROUTING}:
        raise EnvelopeRejected(Reason.HEADER)
    if not _is_number(header["v"], SCHEMA_VERSION):
        raise EnvelopeRejected(Reason.UNKNOWN_VERSION)
    try:
        kind = EnvelopeType(header[_TYP])
    except (ValueError, TypeError) as error:
        raise EnvelopeRejected(Reason.WRONG_TYPE) from error
    if not all(isinstance(header[label], str) for label in ("from", "to", "id")):
        raise EnvelopeRejected(Reason.HEADER)
    routing = Routing(kind, header["from"], header["to"], header["id"])
    _check_routing(routing)
    return routing


def _check_routing(routing: Routing) -> None:
    match routing.type:
        case EnvelopeType.BUNDLE:
            ends = is_station_id(routing.sender) and routing.recipient == CENTRE
        case EnvelopeType.CASE:
            ends = routing.sender == CENTRE and is_station_id(routing.recipient)
        case _:
            assert_never(routing.type)
    if not ends or not is_ulid(routing.object_id):
        raise EnvelopeRejected(Reason.HEADER)


def _encrypt(encrypt: Any) -> _Encrypt:
    protected, unprotected, ciphertext, recipients = _shape(encrypt, 4)
    header = _header(protected)
    nonce = header.get(_IV)
    if set(header) != {_ALG, _IV} or not _is_number(header[_ALG], _A256GCM):
        raise EnvelopeRejected(Reason.STRUCTURE)
    if not isinstance(nonce, bytes) or len(nonce) != _NONCE_BYTES:
        raise EnvelopeRejected(Reason.STRUCTURE)
    if unprotected != {} or not isinstance(ciphertext, bytes) or not isinstance(recipients, list):
        raise EnvelopeRejected(Reason.STRUCTURE)
    if len(ciphertext) < _TAG_BYTES:
        raise EnvelopeRejected(Reason.STRUCTURE)
    if not 1 <= len(recipients) <= 2:
        raise EnvelopeRejected(Reason.STRUCTURE)
    found = tuple(_recipient(entry) for entry in recipients)
    _distinct([recipient.kid for recipient in found])
    return _Encrypt(protected, nonce, ciphertext, found)


def _recipient(entry: Any) -> _Recipient:
    raw, unprotected, wrapped = _shape(entry, 3)
    header = _header(raw)
    if set(header) != {_ALG, _KID} or not _is_number(header[_ALG], HPKE_MLKEM768_X25519_KE):
        raise EnvelopeRejected(Reason.STRUCTURE)
    if not _is_bytes(header[_KID], KID_BYTES):
        raise EnvelopeRejected(Reason.STRUCTURE)
    if not isinstance(unprotected, dict) or set(unprotected) != {_EK} or not _is_bytes(wrapped, _WRAPPED_BYTES):
        raise EnvelopeRejected(Reason.STRUCTURE)
    encapsulated = unprotected[_EK]
    if not _is_bytes(encapsulated, ENCAPSULATED_BYTES):
        raise EnvelopeRejected(Reason.STRUCTURE)
    return _Recipient(header[_KID], raw, encapsulated, wrapped)
