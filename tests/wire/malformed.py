"""Builds envelopes that are wrong in one place, signed again where that takes the fault past the earlier checks.

Nothing here uses the product's sealing: each part can be replaced before the next layer is put around it. `specimens()`
is the set of the committed vectors: name, envelope, reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.wire import samples
from wire.envelope import Reason
from wire.keys import HPKE_MLKEM768_X25519_KE, SealingKey, Signer

LABELS = ["from", "id", "to", "v", 16]
CONTENT_KEY, NONCE = bytes(range(0x40, 0x60)), bytes(range(0x60, 0x6C))
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Edit = Callable[[Any], Any]


def dumps(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def same(value: Any) -> Any:
    return value


def body(**changes: Any) -> dict[Any, Any]:
    """The protected header of the sample bundle; a change to None removes the label, `typ` and `crit` are 16 and 2."""
    numbers = {"typ": 16, "crit": 2}
    whole = {2: LABELS, 16: "eid-bundle", "v": 1, "from": samples.STATION, "to": "centre", "id": samples.BUNDLE_ID}
    for name, value in changes.items():
        label = numbers.get(name, name)
        whole = {key: old for key, old in whole.items() if key != label}
        if value is not None:
            whole[label] = value
    return whole


@dataclass(frozen=True)
class Forge:
    """Every layer of one envelope, each open to an edit before it is covered by the next."""

    content: bytes = b"content"
    body: Any = field(default_factory=body)
    signers: Sequence[Signer] = (samples.STATION_KEY,)
    recipients: Sequence[SealingKey] = (samples.CENTRE_OPENING.sealing_key,)
    content_protected: Edit = same
    recipient_protected: Edit = same
    wrapped_key: bytes = CONTENT_KEY
    wrap_info: Edit = same
    encrypt_aad: Edit = same
    recipient: Edit = same
    encrypt: Edit = same
    payload: Edit = same
    signature_protected: Edit = same
    to_be_signed: Edit = same
    signature: Edit = same
    signature_entry: Edit = same
    sign: Edit = same
    whole: Edit = same

    def build(self) -> bytes:
        encrypt = self.encrypt(self._encrypt())
        encrypted = dumps(encrypt)
        raw = self.body if isinstance(self.body, bytes) else dumps(self.body)
        payload = self.payload(hashlib.sha256(encrypted).digest())
        signatures = [self._signature(signer, raw, payload) for signer in self.signers]
        return dumps(self.whole([self.sign([raw, {}, payload, signatures]), encrypt]))

    def _encrypt(self) -> list[Any]:
        protected = self.content_protected({1: 3, 5: NONCE})
        protected = protected if isinstance(protected, bytes) else dumps(protected)
        associated = dumps(self.encrypt_aad(["Encrypt", protected, b""]))
        ciphertext = AESGCM(CONTENT_KEY).encrypt(NONCE, self.content, associated)
        return [protected, {}, ciphertext, [self._recipient(key) for key in self.recipients]]

    def _recipient(self, key: SealingKey) -> list[Any]:
        raw = self.recipient_protected({1: HPKE_MLKEM768_X25519_KE, 4: key.kid})
        raw = raw if isinstance(raw, bytes) else dumps(raw)
        encapsulated, wrapped = key.wrap(self.wrapped_key, dumps(self.wrap_info(["HPKE Recipient", 3, raw, b""])))
        return self.recipient([raw, {-4: encapsulated}, wrapped])  # type: ignore[no-any-return]

    def _signature(self, signer: Signer, raw: bytes, payload: Any) -> Any:
        public = signer.verifying_key
        header = self.signature_protected({1: int(public.algorithm), 4: public.kid})
        header = header if isinstance(header, bytes) else dumps(header)
        signature = signer.sign(dumps(self.to_be_signed(["Signature", raw, header, b"", payload])))
        return self.signature_entry([header, {}, self.signature(signature)])


def put(index: int, value: Any) -> Edit:
    """An edit that replaces one element."""
    return lambda parts: [*parts[:index], value, *parts[index + 1 :]]


def mapped(index: int, edit: Edit) -> Edit:
    """An edit of one element."""
    return lambda parts: [*parts[:index], edit(parts[index]), *parts[index + 1 :]]


def high_s(signature: bytes) -> bytes:
    """The other valid ECDSA signature of the same message."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + (P256_ORDER - s).to_bytes(32, "big")


def in_order(*names: Any) -> Edit:
    """Headers in the order they are given; only for wrong orders."""
    return lambda parts: b"\xa2" + b"".join(dumps(name) + dumps(parts[name]) for name in names)


def specimens() -> Iterator[tuple[str, bytes, Reason]]:
    """Every malformed envelope. The receiver knows the station's Ed25519 key and has the centre's opening key."""
    for name, forge, reason in _forged():
        yield name, forge.build(), reason
    yield from _bytes()


def _forged() -> Iterator[tuple[str, Forge, Reason]]:
    yield from _structure()
    yield from _headers()
    yield from _cryptography()


def _structure() -> Iterator[tuple[str, Forge, Reason]]:
    wrong = Reason.STRUCTURE
    yield "three items", Forge(whole=lambda parts: [*parts, 0]), wrong
    yield "items exchanged", Forge(whole=lambda parts: parts[::-1]), wrong
    yield "a map instead of the pair", Forge(whole=lambda parts: {0: parts}), wrong
    yield "unprotected header beside the body", Forge(sign=put(1, {4: b"x"})), wrong
    yield "unprotected header is null", Forge(sign=put(1, None)), wrong
    yield "no signature", Forge(sign=put(3, [])), wrong
    yield "signatures null", Forge(sign=put(3, None)), wrong
    yield "the same signature twice", Forge(sign=mapped(3, lambda found: found * 2)), wrong
    yield "three signatures", Forge(sign=mapped(3, lambda found: found * 3)), wrong
    yield "unprotected header beside a signature", Forge(signature_entry=put(1, {1: -19})), wrong
    yield "signature is text", Forge(signature_entry=put(2, "x" * 64)), wrong
    yield "signature header without kid", Forge(signature_protected=lambda _: {1: -19}), wrong
    yield "signature header with a third label", Forge(signature_protected=lambda head: {**head, 3: 0}), wrong
    yield "signature header with crit", Forge(signature_protected=lambda head: {**head, 2: [1]}), wrong
    yield "signature alg is text", Forge(signature_protected=lambda head: {**head, 1: "EdDSA"}), wrong
    yield "signature alg is a real", Forge(signature_protected=lambda head: {**head, 1: -19.0}), wrong
    yield "signature kid is nine bytes", Forge(signature_protected=lambda head: {**head, 4: bytes(9)}), wrong
    yield "body header is a map, not bytes", Forge(sign=put(0, {1: 2})), wrong
    yield "body header is an array", Forge(body=dumps([1])), wrong
    yield "unprotected header beside the content", Forge(encrypt=put(1, {5: NONCE})), wrong
    yield "ciphertext null", Forge(encrypt=put(2, None)), wrong
    yield "ciphertext shorter than its tag", Forge(encrypt=put(2, bytes(15))), wrong
    yield "no recipient", Forge(encrypt=put(3, [])), wrong
    yield "the same recipient twice", Forge(encrypt=mapped(3, lambda found: found * 2)), wrong
    yield "three recipients", Forge(encrypt=mapped(3, lambda found: found * 3)), wrong
    yield "content header empty", Forge(content_protected=lambda _: {}), wrong
    yield "content alg A128GCM", Forge(content_protected=lambda head: {**head, 1: 1}), wrong
    yield "content alg is a real", Forge(content_protected=lambda head: {**head, 1: 3.0}), wrong
    yield "content IV of 11 bytes", Forge(content_protected=lambda head: {**head, 5: NONCE[:11]}), wrong
    yield "content header with a third label", Forge(content_protected=lambda head: {**head, 3: 0}), wrong
    yield "recipient alg of another suite", Forge(recipient_protected=lambda head: {**head, 1: 35}), wrong
    yield "recipient without kid", Forge(recipient_protected=lambda head: {1: head[1]}), wrong
    yield "recipient kid is text", Forge(recipient_protected=lambda head: {**head, 4: "kid"}), wrong
    yield "recipient without encapsulated key", Forge(recipient=put(1, {})), wrong
    yield "recipient with a second unprotected label", Forge(recipient=mapped(1, lambda head: {**head, 4: b""})), wrong
    yield "encapsulated key short", Forge(recipient=mapped(1, lambda head: {-4: head[-4][:-1]})), wrong
    yield "wrapped key long", Forge(recipient=mapped(2, lambda wrapped: wrapped + b"\0")), wrong
    yield "nested recipients", Forge(recipient=lambda parts: [*parts, []]), wrong


def _headers() -> Iterator[tuple[str, Forge, Reason]]:
    yield "no crit", Forge(body=body(crit=None)), Reason.HEADER
    yield "crit incomplete", Forge(body=body(crit=LABELS[:-1])), Reason.HEADER
    yield "crit in another order", Forge(body=body(crit=LABELS[::-1])), Reason.HEADER
    yield "crit null", Forge(body={**body(), 2: None}), Reason.HEADER
    yield "crit names an unknown label", Forge(body=body(crit=[*LABELS, "z"], z=1)), Reason.UNKNOWN_CRITICAL
    yield "crit names typ as a real", Forge(body=body(crit=[*LABELS[:-1], 16.0])), Reason.UNKNOWN_CRITICAL
    yield "a label that is not critical", Forge(body=body(z=1)), Reason.HEADER
    yield "version 2", Forge(body=body(v=2)), Reason.UNKNOWN_VERSION
    yield "version true", Forge(body=body(v=True)), Reason.UNKNOWN_VERSION
    yield "version 1.0", Forge(body=body(v=1.0)), Reason.UNKNOWN_VERSION
    yield "type unknown", Forge(body=body(typ="eid-receipt")), Reason.WRONG_TYPE
    yield "type a number", Forge(body=body(typ=1)), Reason.WRONG_TYPE
    yield "type an array", Forge(body=body(typ=["eid-bundle"])), Reason.WRONG_TYPE
    yield "no sender", Forge(body=body(**{"from": None})), Reason.HEADER
    yield "sender bytes", Forge(body=body(**{"from": b"st-0001"})), Reason.HEADER
    yield "sender upper case", Forge(body=body(**{"from": "ST-0001"})), Reason.HEADER
    yield "sender with a line feed", Forge(body=body(**{"from": "st-0001\n"})), Reason.HEADER
    yield "bundle to a station", Forge(body=body(to=samples.OTHER_STATION)), Reason.HEADER
    yield "bundle from the centre", Forge(body=body(**{"from": "centre"})), Reason.HEADER
    yield "bundle from a worker of the centre", Forge(body=body(**{"from": "centre-1"})), Reason.HEADER
    yield "case from a station", Forge(body=body(typ="eid-case")), Reason.HEADER
    yield "id lower case", Forge(body=body(id=samples.BUNDLE_ID.lower())), Reason.HEADER
    yield "id past the last ULID", Forge(body=body(id="8" + samples.BUNDLE_ID[1:])), Reason.HEADER


def _cryptography() -> Iterator[tuple[str, Forge, Reason]]:
    other, p256 = samples.OTHER_KEY, samples.STATION_P256_KEY
    borrowed = samples.STATION_KEY.verifying_key.kid
    yield "digest of something else", Forge(payload=lambda _: bytes(32)), Reason.DIGEST
    yield "digest null", Forge(payload=lambda _: None), Reason.DIGEST
    yield "signed by another station", Forge(signers=[other]), Reason.UNKNOWN_SIGNER
    yield "signed by a second, unknown key too", Forge(signers=[samples.STATION_KEY, other]), Reason.UNKNOWN_SIGNER
    yield (
        "another station under a borrowed kid",
        Forge(signers=[other], signature_protected=lambda head: {**head, 4: borrowed}),
        Reason.SIGNATURE,
    )
    yield (
        "another algorithm under a borrowed kid",
        Forge(signers=[p256], signature_protected=lambda head: {**head, 4: borrowed}),
        Reason.SIGNATURE,
    )
    yield "alg EdDSA (-8)", Forge(signature_protected=lambda head: {**head, 1: -8}), Reason.SIGNATURE
    yield "alg 0", Forge(signature_protected=lambda head: {**head, 1: 0}), Reason.SIGNATURE
    yield "signature all zero", Forge(signature=lambda _: bytes(64)), Reason.SIGNATURE
    yield "signature empty", Forge(signature=lambda _: b""), Reason.SIGNATURE
    yield "signature with a byte more", Forge(signature=lambda found: found + b"\0"), Reason.SIGNATURE
    yield "signed as COSE_Sign1", Forge(to_be_signed=lambda p: ["Signature1", p[1], p[3], p[4]]), Reason.SIGNATURE
    yield "signed with external data", Forge(to_be_signed=put(3, b"x")), Reason.SIGNATURE
    yield "sealed to somebody else", Forge(recipients=[samples.FOREIGN_OPENING.sealing_key]), Reason.NOT_FOR_US
    yield "wrapped key damaged", Forge(recipient=mapped(2, lambda found: bytes(48))), Reason.DECRYPTION
    yield (
        "encapsulated curve point of small order",
        Forge(recipient=mapped(1, lambda head: {-4: head[-4][:1088] + bytes(32)})),
        Reason.DECRYPTION,
    )
    yield "wrapped for another layer", Forge(wrap_info=put(1, 1)), Reason.DECRYPTION
    yield "wrapped with other context", Forge(wrap_info=put(0, "HPKE")), Reason.DECRYPTION
    yield "another content key wrapped", Forge(wrapped_key=bytes(32)), Reason.DECRYPTION
    yield "encrypted as COSE_Encrypt0", Forge(encrypt_aad=put(0, "Encrypt0")), Reason.DECRYPTION
    yield (
        "ciphertext damaged, digest and signature made anew",
        Forge(encrypt=mapped(2, lambda found: bytes([found[0] ^ 1]) + found[1:])),
        Reason.DECRYPTION,
    )
    yield (
        "content header with another nonce",
        Forge(encrypt=put(0, dumps({1: 3, 5: bytes(12)}))),
        Reason.DECRYPTION,
    )


def _bytes() -> Iterator[tuple[str, bytes, Reason]]:
    """Faults of encoding."""
    whole = Forge().build()
    wrong = Reason.NOT_CANONICAL
    yield "empty", b"", wrong
    yield "cut short", whole[:-1], wrong
    yield "a byte more", whole + b"\0", wrong
    yield "twice", whole * 2, wrong
    yield "tagged as COSE_Sign", b"\xd8\x62" + whole, wrong
    yield "self-described CBOR", b"\xd9\xd9\xf7" + whole, wrong
    yield "indefinite outer array", b"\x9f" + whole[1:] + b"\xff", wrong
    yield "long form of the array head", b"\x98\x02" + whole[1:], wrong
    yield "text", b"no CBOR at all", wrong
    yield "nested deeply", b"\x81" * 5000 + b"\x80", wrong
    yield "many items", b"\x82" + b"\x98\xff" + b"\x00" * 255 + b"\x80", wrong
    yield "body header not sorted", Forge(body=_unsorted(body())).build(), wrong
    yield "body header with a label twice", Forge(body=b"\xa2\x61v\x01\x61v\x01").build(), wrong
    yield "body header with a real as label", Forge(body=b"\xa1\xf9\x4c\x00\x01").build(), wrong
    yield "body header with bytes after it", Forge(body=dumps(body()) + b"\0").build(), wrong
    yield "signature header not sorted", Forge(signature_protected=in_order(4, 1)).build(), wrong
    yield "content header not sorted", Forge(content_protected=in_order(5, 1)).build(), wrong
    yield "recipient header not sorted", Forge(recipient_protected=in_order(4, 1)).build(), wrong


def _unsorted(header: dict[Any, Any]) -> bytes:
    pairs = sorted((dumps(key) + dumps(value) for key, value in header.items()), reverse=True)
    return bytes([0xA0 | len(pairs)]) + b"".join(pairs)
