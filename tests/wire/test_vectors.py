"""The committed vectors, opened by the product and by the second reader. They pin the format: a change breaks them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.wire import reader
from wire import cbor, envelope
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.envelope import EnvelopeRejected, Reason
from wire.keys import OpeningKey, SealingKey, SigningKey, VerifyingKey
from wire.messages import CentreState, Receipt, SignedModel, Status
from wire.signed import MessageRejected

VECTORS = Path(__file__).parent / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


KEYS, ENVELOPES, MALFORMED, MESSAGES, CBOR = map(load, ("keys", "envelopes", "malformed", "messages", "cbor"))
MODELS: dict[str, type[SignedModel]] = {
    "eid-receipt": Receipt,
    "eid-status": Status,
    "eid-centre-state": CentreState,
}


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


def verifying(names: list[str]) -> list[VerifyingKey]:
    return [VerifyingKey.from_json(KEYS["signing"][name]["public_json"]) for name in names]


def public(names: list[str]) -> list[reader.Public]:
    return [
        reader.Public(KEYS["signing"][name]["alg"], bytes.fromhex(KEYS["signing"][name]["public"])) for name in names
    ]


def opening(name: str) -> OpeningKey:
    return OpeningKey(bytes.fromhex(KEYS["opening"][name]["seed"]))


def seed(name: str) -> bytes:
    return bytes.fromhex(KEYS["opening"][name]["seed"])


def ours(raw: bytes, signers: list[str], opener: str) -> bytes | str:
    """The content, or the reason."""
    try:
        verified = envelope.verify(envelope.parse(raw), verifying(signers))
        return envelope.open_content(verified, [opening(opener)])
    except EnvelopeRejected as error:
        return error.reason.value


def theirs(raw: bytes, signers: list[str], opener: str) -> bytes | str:
    try:
        return reader.open_envelope(raw, public(signers), [seed(opener)]).content
    except reader.Rejected as rejected:
        return str(rejected.args[0])


def test_the_vector_files_are_of_the_form_that_docs_say() -> None:
    """Other teams parse these files: their keys are part of the specification."""
    texts = ("private_json", "public_json")

    assert {frozenset(key) for key in KEYS["signing"].values()} == {
        frozenset(("alg", "private", "public", "kid", *texts))
    }
    assert {frozenset(key) for key in KEYS["opening"].values()} == {frozenset(("seed", "public", "kid", *texts))}
    assert {" ".join(case) for case in ENVELOPES} == {
        "name type from to id signers recipients content_key nonce content envelope envelope_sha256"
    }
    assert {tuple(case) for case in MALFORMED} == {("name", "envelope", "reason")}
    assert {tuple(case) for case in MESSAGES} == {
        ("name", "type", "message", "fields"),
        ("name", "type", "message", "reason"),
    }
    assert {tuple(case) for case in CBOR["accept"]} == {("hex", "json")}
    assert {tuple(case) for case in CBOR["reject"]} == {("hex", "reason")}


def test_the_vectors_reach_every_reason() -> None:
    """Each named rejection stands among them, but for size (2 MiB of hex) and what only a caller can find."""
    elsewhere = {Reason.TOO_LARGE, Reason.CONTENT, Reason.ROUTING_MISMATCH}

    assert {case["reason"] for case in MALFORMED} == set(Reason) - elsewhere
    assert {case["reason"] for case in CBOR["reject"]} == {
        *("truncated", "trailing", "tag", "indefinite", "length", "key", "order", "depth", "form")
    }
    assert {case.get("reason") for case in MESSAGES} == {None, "form", "type", "signer", "signature", "content"}


@pytest.mark.parametrize("name", KEYS["signing"])
def test_signing_keys_have_the_public_half_kid_and_texts_of_the_vector(name: str) -> None:
    """Private bytes give these public bytes; the kid is the hash both readers compute."""
    vector = KEYS["signing"][name]
    key = SigningKey.from_json(vector["private_json"])
    found = key.verifying_key

    assert found.public.hex() == vector["public"]
    assert found.kid.hex() == vector["kid"] == reader.kid(vector["alg"], found.public).hex()
    assert (key.to_json(), found.to_json()) == (vector["private_json"], vector["public_json"])
    assert VerifyingKey.from_json(vector["public_json"]) == found


@pytest.mark.parametrize("name", KEYS["opening"])
def test_opening_keys_expand_from_their_seed(name: str) -> None:
    """32 bytes, SHAKE-256 to both halves; the public key is 1184 + 32 bytes."""
    vector = KEYS["opening"][name]
    key = OpeningKey.from_json(vector["private_json"])

    assert key.sealing_key.public.hex() == vector["public"] == reader.public_of_seed(seed(name)).hex()
    assert key.sealing_key.kid.hex() == vector["kid"] == reader.kid(reader.HPKE_KE, key.sealing_key.public).hex()
    assert (key.to_json(), key.sealing_key.to_json()) == (vector["private_json"], vector["public_json"])
    assert SealingKey.from_json(vector["public_json"]) == key.sealing_key


@pytest.mark.parametrize("case", named(ENVELOPES))
def test_both_readers_open_the_envelopes(case: dict[str, Any]) -> None:
    """Each recipient opens; routing, content and digest are those of the vector."""
    raw = bytes.fromhex(case["envelope"])
    parsed = envelope.parse(raw)
    routing = (case["type"], case["from"], case["to"], case["id"])

    assert hashlib.sha256(raw).hexdigest() == envelope.digest(raw).hex() == case["envelope_sha256"]
    assert vars_of(parsed.routing) == routing
    for name in case["recipients"]:
        second = reader.open_envelope(raw, public(case["signers"]), [seed(name)])

        assert (second.type, second.sender, second.recipient, second.object_id) == routing
        assert second.content.hex() == case["content"]
        assert ours(raw, case["signers"], name) == second.content
    assert ours(raw, case["signers"], "foreign") == theirs(raw, case["signers"], "foreign") == "not_for_us"


def vars_of(routing: envelope.Routing) -> tuple[str, str, str, str]:
    return routing.type.value, routing.sender, routing.recipient, routing.object_id


def test_the_content_of_the_vectors_is_a_bundle_and_a_case() -> None:
    """Reading and writing it again gives the same bytes.

    A field that was added later and has a default is left out here: what an older centre sent stays readable.
    """
    models = {"eid-bundle": Bundle, "eid-case": CaseOrder}
    cases = [case for case in ENVELOPES if case["name"] != "smallest"]

    assert len(cases) == 4
    for case in cases:
        content = bytes.fromhex(case["content"])

        found = models[case["type"]].decode(content)
        assert cbor.encode(found.model_dump(mode="python", exclude_unset=True)) == content
        assert reader.write(reader.decode(content)) == content


@pytest.mark.parametrize("case", named(MALFORMED))
def test_both_readers_reject_the_malformed_for_the_same_reason(case: dict[str, Any]) -> None:
    """The reason is part of the specification: receipts carry it."""
    raw = bytes.fromhex(case["envelope"])

    assert ours(raw, ["station"], "centre") == case["reason"]
    assert theirs(raw, ["station"], "centre") == case["reason"]


@pytest.mark.parametrize("case", named(MESSAGES))
def test_both_readers_agree_on_the_signed_messages(case: dict[str, Any]) -> None:
    """Fields where it is right, the reason where it is not; what the content lacks only a model can say."""
    raw = bytes.fromhex(case["message"])
    try:
        found: Any = MODELS[case["type"]].verified(raw, verifying(["centre"])).model_dump(mode="python")
    except MessageRejected as error:
        found = error.params["reason"]
    try:
        second = reader.open_message(raw, case["type"], public(["centre"]))
    except reader.Rejected as rejected:
        second = rejected.args[0]

    if case.get("reason") == "content":
        assert found == "content"
        assert not isinstance(second, str)
    elif "reason" in case:
        assert found == second == case["reason"]
    else:
        assert hexed(found) == hexed(second) == case["fields"]


def hexed(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}


@pytest.mark.parametrize("case", CBOR["accept"], ids=lambda case: case["hex"][:24])
def test_both_readers_accept_the_one_encoding(case: dict[str, Any]) -> None:
    """And give the value the vector says, -0.0 included."""
    raw = bytes.fromhex(case["hex"])

    assert repr(cbor.decode(raw)) == repr(reader.decode(raw)) == repr(case["json"])
    assert cbor.encode(case["json"]) == raw


@pytest.mark.parametrize("case", CBOR["reject"], ids=lambda case: case["hex"][:24] or "empty")
def test_both_readers_reject_every_other_encoding(case: dict[str, Any]) -> None:
    """The product names the reason."""
    raw = bytes.fromhex(case["hex"])

    with pytest.raises(cbor.CborRejected) as caught:
        cbor.decode(raw)
    with pytest.raises(reader.Rejected, match="not_canonical"):
        reader.decode(raw)

    assert caught.value.params["reason"] == case["reason"]
