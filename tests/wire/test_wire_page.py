"""docs/wire.md is the contract: what it names exists, what exists is named, and its example is the vector's."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from tests.wire import reader
from wire import bundle, case, cbor, envelope, messages, signed, topics
from wire.envelope import Reason
from wire.model import WireModel

PAGE = (Path(__file__).parents[2] / "docs" / "wire.md").read_text("utf-8")
VECTORS = Path(__file__).parent / "vectors"
CODE = set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.S)))
MODELS = [
    value
    for module in (bundle, case, messages)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, WireModel) and value not in (WireModel, messages.SignedModel)
]


def test_every_field_of_every_message_stands_on_the_page() -> None:
    """Another team cannot guess one."""
    named = {word for text in CODE for word in re.findall(r"\w+", text)}
    missing = {(model.__name__, name) for model in MODELS for name in model.model_fields if name not in named}

    assert missing == set()
    assert len(MODELS) > 20


def test_every_reason_and_every_enumerated_text_stands_on_the_page() -> None:
    """Receipts carry the reasons; models take no other text."""
    words = {word for text in CODE for word in text.split()}
    enums = [*Reason, *messages.Verdict, *messages.CaseState, *bundle.ClockTrust, *bundle.FingerState, *bundle.Giver]
    texts = {value.value for value in [*enums, *bundle.MatchVerdict, *envelope.EnvelopeType]}

    assert texts - words == set()


def test_limits_and_numbers_are_those_of_the_code() -> None:
    """The table of limits, the algorithm numbers, the topics."""
    for number in (envelope.MAX_ENVELOPE_BYTES, signed.MAX_MESSAGE_BYTES, cbor.MAX_ITEMS):
        assert f"{number:,}" in PAGE
    assert (envelope.MAX_ENVELOPE_ITEMS, cbor.MAX_DEPTH) == (64, 16)
    assert {"-19", "-9", "-70001"} <= set(re.findall(r"-\d+", PAGE))
    for build in (topics.up_bundle, topics.down_receipt, topics.down_status):
        assert build("{st}", "{bundle id}") in CODE
    assert {topics.up_sync("{st}"), topics.state("{st}"), topics.CENTRE_STATE} <= CODE
    assert {topics.down_case("{st}", "{dossier id}"), topics.down_command("{st}", "{op}")} <= CODE
    assert {topics.up_event("{st}", "{kind}"), topics.up_request("{st}", "case")} <= CODE


def test_the_worked_example_is_the_vector() -> None:
    """Each hex string of the example is a part, or an intermediate value, of the envelope it names."""
    vector = next(case for case in json.loads((VECTORS / "envelopes.json").read_text()) if case["name"] == "smallest")
    keys = json.loads((VECTORS / "keys.json").read_text())
    whole = bytes.fromhex(vector["envelope"])
    (body, _, payload, [[header, _, signature]]), (protected, _, ciphertext, [recipient]) = reader.decode(whole)
    info = reader.write(["HPKE Recipient", 3, recipient[0], b""])
    shared = reader.decapsulate(bytes.fromhex(keys["opening"]["centre"]["seed"]), recipient[1][-4])
    context = b"\0" + reader.extract(b"", b"psk_id_hash", b"") + reader.extract(b"", b"info_hash", info)
    secret = reader.extract(shared, b"secret", b"")
    parts = [body, payload, header, signature, protected, ciphertext, recipient[0], recipient[1][-4][:16], recipient[2]]
    parts += [reader.write(["Signature", body, header, b"", payload]), reader.write(["Encrypt", protected, b""]), info]
    parts += [shared, secret, reader.expand(secret, b"key", context, 32), hashlib.sha256(whole).digest()]
    parts += [reader.expand(secret, b"base_nonce", context, 12)]
    parts += [bytes.fromhex(vector["content_key"]), bytes.fromhex(vector["nonce"])]
    example = PAGE.split("### Worked example")[1].split("```")[1]

    assert f"{len(whole):,} bytes" in PAGE
    assert set(re.findall(r"\b[0-9a-f]{24,}\b", example)) == {part.hex() for part in parts}
