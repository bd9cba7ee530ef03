"""Signed messages, right and wrong: name, type asked for, message, `fields` or `reason`. The centre's key is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cbor2

from tests.wire import samples
from wire.keys import Signer, SigningKey
from wire.messages import CentreState, SignedModel, Verdict

RECEIPT = "eid-receipt"


def dumps(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def message(
    payload: Any,
    kind: Any = RECEIPT,
    signer: Signer = samples.CENTRE_KEY,
    *,
    head: dict[Any, Any] | None = None,
    context: str = "Signature1",
    unprotected: Any = None,
    signature: bytes | None = None,
) -> bytes:
    """A message signed by hand. `head` changes the protected header."""
    public = signer.verifying_key
    header = dumps({1: int(public.algorithm), 4: public.kid, 16: kind, **(head or {})})
    payload = payload if isinstance(payload, bytes) else dumps(payload)
    made = signer.sign(dumps([context, header, b"", payload])) if signature is None else signature
    return dumps([header, {} if unprotected is None else unprotected, payload, made])


def signed_cases() -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    yield from _good()
    receipt = samples.receipt().encode()
    for name, raw, reason in _wrong(receipt):
        yield name, RECEIPT, raw, {"reason": reason}
    for name, fields in _contents().items():
        yield name, RECEIPT, message(fields), {"reason": "content"}


def _good() -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    right: list[tuple[str, str, SignedModel]] = [
        ("receipt, stored", RECEIPT, samples.receipt()),
        ("receipt, duplicate", RECEIPT, samples.receipt(verdict=Verdict.DUPLICATE)),
        ("receipt, rejected", RECEIPT, samples.receipt(verdict=Verdict.REJECTED, code="signature")),
        ("status", "eid-status", samples.status()),
        ("centre state", "eid-centre-state", CentreState(accepting=True, at_ms=samples.NOW_MS)),
    ]
    for name, kind, model in right:
        fields = {key: _plain(value) for key, value in model.model_dump(mode="python").items()}
        yield name, kind, model.signed(samples.CENTRE_KEY), {"fields": fields}


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _wrong(receipt: bytes) -> Iterator[tuple[str, bytes, str]]:
    good = message(receipt)
    p256: SigningKey = samples.STATION_P256_KEY
    kid = samples.CENTRE_KEY.verifying_key.kid
    yield "a status where a receipt is asked for", samples.status().signed(samples.CENTRE_KEY), "type"
    yield "receipt's content under the type of a status", message(receipt, "eid-status"), "type"
    yield "type a number", message(receipt, 1), "type"
    yield "signed by a station", message(receipt, signer=samples.STATION_KEY), "signer"
    yield "alg EdDSA (-8)", message(receipt, head={1: -8}), "signer"
    yield "alg a real", message(receipt, head={1: -19.0}), "signer"
    yield "borrowed kid", message(receipt, signer=samples.STATION_KEY, head={4: kid}), "signature"
    yield "borrowed kid, another algorithm", message(receipt, signer=p256, head={4: kid}), "signer"
    yield "signed as an envelope's signature", message(receipt, context="Signature"), "signature"
    yield "signature empty", message(receipt, signature=b""), "signature"
    yield "signature of zeros", message(receipt, signature=bytes(64)), "signature"
    yield "label beyond the three", message(receipt, head={2: [1]}), "form"
    yield "unprotected header", message(receipt, unprotected={4: kid}), "form"
    yield "cut short", good[:-1], "form"
    yield "a byte more", good + b"\0", "form"
    yield "tagged as COSE_Sign1", b"\xd2" + good, "form"
    yield "five items", b"\x85" + good[1:] + b"\0", "form"
    yield "empty", b"", "form"
    yield "not sorted", dumps([_unsorted(kid), {}, receipt, bytes(64)]), "form"
    yield "over 64 KiB", message(bytes(65_536)), "size"


def _unsorted(kid: bytes) -> bytes:
    pairs = [(16, RECEIPT), (4, kid), (1, -19)]
    return b"\xa3" + b"".join(dumps(key) + dumps(value) for key, value in pairs)


def _contents() -> dict[str, Any]:
    fields = cbor2.loads(samples.receipt().encode())
    without = {key: value for key, value in fields.items() if key != "at_ms"}
    return {
        "unknown key": {**fields, "extra": 1},
        "key missing": without,
        "hash short": {**fields, "envelope_sha256": bytes(31)},
        "verdict unknown": {**fields, "verdict": "lost"},
        "verdict as bytes": {**fields, "verdict": b"stored"},
        "time a real": {**fields, "at_ms": float(samples.NOW_MS)},
        "rejected without a code": {**fields, "verdict": "rejected"},
        "stored with a code": {**fields, "code": "signature"},
        "station of another form": {**fields, "station_id": "ST"},
        "content no map": [1],
    }
