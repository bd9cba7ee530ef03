"""The control commands: what is accepted, what is refused, and that refusals never repeat a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.commands import LINE_LIMIT_BYTES, Command, CommandInvalid, Fault, Get, Light, Person, Qr, parse


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def outcome(sent: bytes) -> tuple[Command | None, str]:
    """The command, or the refusal's sentence; anything else comes through as an error."""
    try:
        return parse(sent), ""
    except CommandInvalid as refused:
        return None, str(refused)


def test_every_kind_of_command_is_known() -> None:
    """One example of each parses to its type."""
    assert parse(line(scene="person", portrait="/a/b.jpg", distance_m=0.5)) == Person(
        scene="person", portrait="/a/b.jpg", distance_m=0.5
    )
    assert parse(line(scene="qr", text="Nguyễn")) == Qr(scene="qr", text="Nguyễn")
    assert parse(line(lux=20)) == Light(lux=20.0)
    assert parse(line(fault="stall")) == Fault(fault="stall")
    assert parse(line(get="state")) == Get(get="state")
    for scene in ("empty", "black"):
        assert parse(line(scene=scene)).model_dump() == {"scene": scene}


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[1]", "exactly one of scene"),
        (b"{}", "exactly one of scene"),
        (b'{"scene":"nobody"}', "exactly one of scene"),
        (b'{"scene":["empty"]}', "exactly one of scene"),
        (b'{"scene":"empty","lux":3}', "exactly one of scene"),
        (b'{"scene":"empty","colour":"red"}', "colour"),
        (b'{"scene":"person"}', "portrait"),
        (b'{"scene":"person","portrait":"a","distance_m":99}', "distance_m"),
        (b'{"scene":"person","portrait":"a","distance_m":"0.5"}', "distance_m"),
        (b'{"scene":"qr","text":""}', "text"),
        (b'{"lux":NaN}', "lux"),
        (b'{"lux":true}', "lux"),
        (b'{"fault":"fire"}', "fault"),
        (b'{"get":"secrets"}', "get"),
        (b"[" * 5000, "JSON"),
        (b"x" * (LINE_LIMIT_BYTES + 1), "longer"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(sent: bytes, named: str) -> None:
    """The error names the field or the rule."""
    with pytest.raises(CommandInvalid) as refused:
        parse(sent)

    assert named in str(refused.value)


def test_a_refusal_never_repeats_a_value() -> None:
    """Paths and texts may hold a person's name."""
    for sent in (
        line(scene="person", portrait="/x/NGUYEN.jpg", distance_m=99),
        line(scene="qr", text="NGUYEN" * 400),
        line(scene="NGUYEN"),
        b'{"scene":"NGUYEN',
    ):
        with pytest.raises(CommandInvalid) as refused:
            parse(sent)

        assert "NGUYEN" not in str(refused.value)
        assert refused.value.__cause__ is None


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_refused(sent: bytes) -> None:
    """Nothing but CommandInvalid comes out."""
    parsed, refusal = outcome(sent)

    assert (parsed is None) != (refusal == "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aé/.", max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    ["scene", "lux", "fault", "get", "portrait", "path", "text", "distance_m", "offset_x", "size_m", "second"]
)
_SCENES = st.sampled_from(["empty", "black", "person", "two_people", "qr", "picture"])


@given(st.dictionaries(_FIELDS, _JSON | _SCENES, max_size=5))
def test_any_object_of_known_fields_parses_or_is_refused(fields: dict[str, Any]) -> None:
    """Any value in any known field."""
    parsed, refusal = outcome(json.dumps(fields).encode())

    assert (parsed is None) != (refusal == "")
    if parsed is not None:
        assert set(fields) <= set(type(parsed).model_fields)
