"""Every message model: closed, strict, one encoding; what it refuses names a field and never a value."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.wire import samples
from tests.wire.fuzzing import fuzz
from wire import cbor
from wire.bundle import Bundle, FingerState
from wire.case import CaseOrder
from wire.fingers import FingerPosition
from wire.messages import CaseRequest, CentreState, Receipt, StationEvent, StationState, Status, Sync
from wire.model import BundleInvalid, WireModel
from wire.stations import StationRecord

MESSAGES = samples.every_message()
MODELS = [Bundle, CaseOrder, Receipt, Status, CentreState, Sync, StationState, StationEvent, CaseRequest, StationRecord]
SECRET = "NGUYEN-VAN-SECRET"


def refused(model: type[WireModel], fields: Any) -> str:
    """The field that is named, or empty where it was taken."""
    try:
        model.decode(cbor2.dumps(fields, canonical=True))
    except BundleInvalid as error:
        return str(error.params["field"])
    return ""


def tree(model: WireModel) -> Any:
    return cbor2.loads(model.encode())


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to every value in nested maps and arrays, the whole left out."""
    found = [at] if at else []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        found += places(child, (*at, step))
    return found


def changed(value: Any, path: tuple[Any, ...], change: Any) -> Any:
    """A copy with `change` applied to the container of the last step."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        change(copy, path[0])
    else:
        copy[path[0]] = changed(value[path[0]], path[1:], change)
    return copy


def setting(new: Any) -> Any:
    def change(container: Any, step: Any) -> None:
        container[step] = new

    return change


def dropping(container: Any, step: Any) -> None:
    del container[step]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_survives_the_wire(message: WireModel) -> None:
    """Decoded to an equal model, whose encoding is the same bytes."""
    data = message.encode()

    assert type(message).decode(data) == message
    assert type(message).decode(data).encode() == data == cbor.encode(cbor.decode(data))


def test_the_samples_cover_every_message_model_and_every_field() -> None:
    """So that the tests below reach all of them."""
    shown = {name for message in MESSAGES for name in all_names(tree(message))}
    models = {model for model in reachable(WireModel) if model.__module__ in WIRE}
    fields = {name for model in models for name in model.model_fields}

    assert {type(message) for message in MESSAGES} == set(MODELS)
    assert fields - shown == set()


def reachable(model: type[WireModel]) -> set[type[WireModel]]:
    return {model}.union(*(reachable(child) for child in model.__subclasses__()))


WIRE = {"wire.model", "wire.bundle", "wire.case", "wire.messages", "wire.stations"}


def all_names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {key for key in value if isinstance(key, str)}.union(*map(all_names, value.values()))
    return set().union(*map(all_names, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_unknown_keys_are_refused_in_every_map(message: WireModel) -> None:
    """At every depth; the key itself is not repeated, for it could be a name."""
    whole = tree(message)
    maps = [(), *(path for path in places(whole) if isinstance(value_at(whole, path), dict))]
    for path in maps:
        if path and path[-1] in ("policies", "models", "statuses"):
            continue
        found = refused(type(message), changed(whole, (*path, SECRET), setting(1)))

        assert found
        assert SECRET not in found


def value_at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


OPTIONAL = {
    *(
        "schema_version",
        "representative",
        "document_match",
        "warnings",
        "steps",
        "code",
        "due",
        "subject",
        "detail",
        "operation",
    ),
    *("mrz", "score", "position", "press", "quality", "template", "presses", "format", "firmware", "other"),
    *("revoked_ms", "office"),
}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_missing_fields_are_refused_unless_they_are_optional(message: WireModel) -> None:
    """What has no default must be there."""
    whole = tree(message)
    for path in places(whole):
        name = path[-1]
        if not isinstance(name, str) or name in OPTIONAL or path[-2:-1] in [("policies",), ("models",), ("statuses",)]:
            continue

        assert refused(type(message), changed(whole, path, dropping)), path


def others(value: Any) -> list[Any]:
    """Values of every other type, and those that a lax reader would convert."""
    candidates: list[Any] = [None, True, False, 0, 1, -1, 1.0, 0.5, "", "1", b"", b"1", [], [1], {}, {"a": 1}, 2**63]
    if isinstance(value, str):
        candidates += [value.encode()]
    if isinstance(value, bytes):
        candidates += [value.hex()]
    if isinstance(value, int | float):
        candidates += [str(value), [value]]
    if type(value) is int:
        candidates += [float(value)]
    if type(value) is float and value == int(value):
        candidates += [int(value)]
    kinds: Any = type(value)
    return [candidate for candidate in candidates if type(candidate) is not kinds]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_wrong_types_are_refused_in_every_place(message: WireModel) -> None:
    """Nothing is converted: where another type is taken (null, say), the same is written again."""
    whole = tree(message)
    for path in places(whole):
        for other in others(value_at(whole, path)):
            data = cbor2.dumps(changed(whole, path, setting(other)), canonical=True)
            try:
                found = type(message).decode(data)
            except (BundleInvalid, cbor.CborRejected):
                continue

            assert found.encode() == data, (path, other)


@fuzz
@given(st.data())
def test_any_value_anywhere_is_refused_or_kept_as_it_is(data: st.DataObject) -> None:
    """Fuzz of every place of every model: no exception but the two, no silent conversion."""
    message = data.draw(st.sampled_from(MESSAGES))
    whole = tree(message)
    path = data.draw(st.sampled_from(places(whole)))
    new = data.draw(
        st.none() | st.booleans() | st.integers(-10, 2**40) | st.floats() | st.text() | st.binary(max_size=40)
    )
    raw = cbor2.dumps(changed(whole, path, setting(new)), canonical=True)
    try:
        found = type(message).decode(raw)
    except (BundleInvalid, cbor.CborRejected):
        return

    assert found.encode() == raw


@fuzz
@given(st.binary(max_size=80), st.sampled_from(MODELS))
def test_arbitrary_bytes_are_no_message(raw: bytes, model: type[WireModel]) -> None:
    """CborRejected or BundleInvalid, nothing else."""
    with pytest.raises((BundleInvalid, cbor.CborRejected)):
        model.decode(raw)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_no_model_is_read_as_another(message: WireModel) -> None:
    """The content of one kind never passes for another kind."""
    for model in MODELS:
        if model is not type(message):
            with pytest.raises(BundleInvalid):
                model.decode(message.encode())


def test_errors_never_hold_a_value() -> None:
    """P2: neither the named error, nor the one pydantic raises where a model is built in the process."""
    fields = tree(samples.bundle())
    fields["document"]["valid_until"] = SECRET
    with pytest.raises(BundleInvalid) as read:
        Bundle.decode(cbor2.dumps(fields, canonical=True))
    with pytest.raises(ValidationError) as built:
        samples.document().__class__(**{**samples.document().model_dump(), "valid_until": SECRET})

    assert SECRET not in repr(read.value) + str(read.value.params)
    assert read.value.__cause__ is None
    assert SECRET not in str(built.value)
    assert read.value.params == {"model": "Bundle", "field": "document.valid_until"}


@pytest.mark.parametrize(
    "day", ["2026-02-29", "2026-13-01", "0000-01-01", "٢٠٢٦-٠١-٠١", "2026-1-1", "20260101", "2026-01-01\n"]
)
def test_a_date_is_a_day_of_the_calendar_in_ascii_digits(day: str) -> None:
    """Digits of other scripts match `\\d` elsewhere and would be read differently by the next reader."""
    fields = tree(samples.status())

    assert refused(Status, {**fields, "due": day}) == "due"
    assert refused(Status, {**fields, "due": "2028-02-29"}) == ""


@pytest.mark.parametrize(
    "name", ["centre", "centre-1", "ST-1", "a", "-ab", "ab-", "a.b", "a/b", "a" * 33, "ab\n", "+", "#"]
)
def test_a_station_id_is_one_topic_level_and_not_the_centre(name: str) -> None:
    """It is client id, CN and topic level at once."""
    assert refused(
        CaseRequest, {**tree(CaseRequest(station_id="st-1", dossier_id=samples.DOSSIER_ID)), "station_id": name}
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_reals_are_finite(number: float) -> None:
    """A NaN compares with nothing, so a threshold would pass or fail by accident."""
    fields = tree(samples.bundle())
    fields["portrait"]["analogue_gain"] = number

    assert refused(Bundle, fields) == "portrait.analogue_gain"


def test_the_largest_bundle_the_model_allows_can_be_read() -> None:
    """What a station can build, the centre can decode: the model's limits lie below those of the reader."""
    quality = tree(samples.bundle())["attempts"][1]["quality"] * 8
    entry = {**tree(samples.bundle())["attempts"][1], "quality": quality}
    fields = {**tree(samples.bundle()), "attempts": [entry] * 2000}

    assert refused(Bundle, fields) == ""


# -- rules across fields -----------------------------------------------------------------------------------------------


def test_a_finger_stands_once() -> None:
    """Two entries for one position would let the better one be chosen afterwards."""
    twice = [samples.finger(FingerPosition.RIGHT_INDEX, 1), samples.finger(FingerPosition.RIGHT_INDEX, 2)]

    with pytest.raises(ValidationError, match="a finger stands twice"):
        samples.bundle(fingers=twice)


def test_an_image_stands_once() -> None:
    """The same pixels for two fingers, or for two presses of one: replayed, not captured."""
    two = [samples.finger(FingerPosition.RIGHT_INDEX, 1), samples.finger(FingerPosition.LEFT_INDEX, 1)]
    presses = [samples.press(3), samples.press(3)]

    with pytest.raises(ValidationError, match="the same image stands twice"):
        samples.bundle(fingers=two)
    with pytest.raises(ValidationError, match="the same image stands twice"):
        samples.bundle(fingers=[samples.finger(FingerPosition.RIGHT_INDEX, presses=presses)])


@pytest.mark.parametrize("state", [FingerState.MISSING, FingerState.BANDAGED, FingerState.WORN, FingerState.REFUSED])
def test_a_finger_left_out_needs_the_officers_signature(state: FingerState) -> None:
    """For this finger, not for another."""
    left_out = samples.finger(FingerPosition.LEFT_INDEX, state=state, presses=[], template=None)
    signature = samples.bundle().exceptions[0]
    elsewhere = signature.model_copy(update={"subject": "finger.right_index"})

    assert samples.bundle(fingers=[left_out]).fingers[0].state is state
    for exceptions in ([], [elsewhere]):
        with pytest.raises(ValidationError, match="without the officer's signature"):
            samples.bundle(fingers=[left_out], exceptions=exceptions)


def test_a_finger_that_the_plan_does_not_ask_for_needs_no_signature() -> None:
    """The receiver holds it against the plan."""
    spare = samples.finger(FingerPosition.LEFT_INDEX, state=FingerState.NOT_REQUIRED, presses=[], template=None)

    assert samples.bundle(fingers=[spare], exceptions=[]).exceptions == []


def test_a_portrait_taken_by_the_officer_needs_the_signature() -> None:
    """Quality gates are passed, or somebody answers for it."""
    taken = samples.portrait(accepted_by="officer")
    signature = samples.bundle().exceptions[0].model_copy(update={"subject": "portrait"})
    both = [*samples.bundle().exceptions, signature]

    assert samples.bundle(portrait=taken, exceptions=both).portrait.accepted_by == "officer"
    with pytest.raises(ValidationError, match="portrait exception is not signed"):
        samples.bundle(portrait=taken)


def test_presses_and_template_stand_with_a_captured_finger_only() -> None:
    """State and content say the same."""
    with pytest.raises(ValidationError, match="presses and state disagree"):
        samples.finger(FingerPosition.LEFT_INDEX, presses=[])
    with pytest.raises(ValidationError, match="presses and state disagree"):
        samples.finger(FingerPosition.LEFT_INDEX, state=FingerState.WORN, template=None)
    with pytest.raises(ValidationError, match="template without capture"):
        samples.finger(FingerPosition.LEFT_INDEX, state=FingerState.WORN, presses=[])


def test_an_embedding_is_as_long_as_it_says() -> None:
    """Four bytes a dimension."""
    with pytest.raises(ValidationError, match="vector length"):
        samples.portrait().embedding.__class__(**{**samples.portrait().embedding.model_dump(), "dimension": 3})


def test_models_cannot_be_changed_once_made() -> None:
    """Frozen: what was validated is what is sealed."""
    with pytest.raises(ValidationError):
        samples.bundle().officer_id = "somebody"
