"""Small signed messages from the centre: COSE_Sign1 (RFC 9052), untagged, deterministic.

`[protected {1: alg, 4: kid, 16: typ}, {}, payload, signature]`. The type is signed, so that a receipt can never be
taken for a status. Must never return a payload whose signature was not checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wire import cbor
from wire.errors import WireError
from wire.keys import Signer, VerifyingKey

MAX_MESSAGE_BYTES = 64 * 1024

_ALG, _KID, _TYP = 1, 4, 16
_MAX_ITEMS = 16


class MessageRejected(WireError, ValueError):
    """A message that does not verify or parse. Parameter `reason`: size, form, type, signer, signature, content."""

    message_id = "error.message.rejected"


def sign(kind: str, payload: bytes, signer: Signer) -> bytes:
    """The signed message of type `kind`."""
    public = signer.verifying_key
    header = cbor.encode({_ALG: int(public.algorithm), _KID: public.kid, _TYP: kind})
    return cbor.encode([header, {}, payload, signer.sign(_to_be_signed(header, payload))])


def verify(kind: str, message: bytes, keys: Sequence[VerifyingKey]) -> bytes:
    """The payload of a message of type `kind` signed by one of `keys`. Raises MessageRejected, nothing else."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise MessageRejected(reason="size")
    raw, payload, signature = _parts(message)
    try:
        header = cbor.decode(raw, _MAX_ITEMS)
    except cbor.CborRejected as error:
        raise MessageRejected(reason="form") from error
    if not isinstance(header, dict) or set(header) != {_ALG, _KID, _TYP}:
        raise MessageRejected(reason="form")
    if header[_TYP] != kind:
        raise MessageRejected(reason="type")
    key = next((key for key in keys if key.kid == header[_KID]), None)
    # An exact integer: in Python -19.0 equals -19.
    if key is None or type(header[_ALG]) is not int or int(key.algorithm) != header[_ALG]:
        raise MessageRejected(reason="signer")
    if not key.verify(signature, _to_be_signed(raw, payload)):
        raise MessageRejected(reason="signature")
    return payload


def _parts(message: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        parts: Any = cbor.decode(message, _MAX_ITEMS)
    except cbor.CborRejected as error:
        raise MessageRejected(reason="form") from error
    if not isinstance(parts, list) or len(parts) != 4 or parts[1] != {}:
        raise MessageRejected(reason="form")
    raw, _, payload, signature = parts
    if not (isinstance(raw, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise MessageRejected(reason="form")
    return raw, payload, signature


def _to_be_signed(header: bytes, payload: bytes) -> bytes:
    return cbor.encode(["Signature1", header, b"", payload])
