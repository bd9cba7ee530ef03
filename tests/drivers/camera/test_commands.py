"""The control commands: what is accepted, what is refused, and that refusals never repeat a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.camera.commands import (
    LINE_LIMIT_BYTES,
    Command,
    CommandInvalid,
    Fault,
    Folder,
    Get,
    Group,
    Light,
    Page,
    Person,
    Picture,
    Qr,
    Script,
    TwoPeople,
    Video,
    parse,
)
from drivers.camera.stills import STILLS

KINDS = (Person, Group, TwoPeople, Qr, Page, Picture, Script, Folder, Video)


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
        (b'{"scene":"group","people":[]}', "people"),
        (b'{"scene":"page","lines":["a","b"]}', "lines.0"),
        (b'{"scene":"person","portrait":"a","eyes":[[0.1,0.2],[0.3,2]]}', "eyes.1.1"),
        (b'{"scene":"person","portrait":"a","glasses":"thick"}', "glasses"),
        (b'{"scene":"qr","text":"a","behind":{"scene":"person","portrait":"a","yaw_deg":99}}', "behind.yaw_deg"),
        (b'{"scene":"folder"}', "path"),
        (b'{"scene":"folder","path":"a","period_s":0}', "period_s"),
        (b'{"scene":"video","path":"a","speed":2}', "speed"),
        (b'{"scene":"script","steps":[{"for_s":1,"scene":{"scene":"empty"}}],"name":"A B"}', "name"),
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
_NAMES = sorted(
    {"scene", "lux", "fault", "get"}
    | {field.alias or name for kind in KINDS for name, field in kind.model_fields.items()}
)
_SCENES = st.sampled_from([*STILLS, "script", "folder", "video"])
_VALUES = (
    _JSON | _SCENES | st.floats(0, 1) | st.just("/a") | st.just([[0.4, 0.4], [0.6, 0.4]]) | st.just(["A" * 44] * 2)
)
_OBJECT = st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=5)


@given(_OBJECT)
def test_any_object_of_known_fields_parses_or_is_refused(fields: dict[str, Any]) -> None:
    """Any value in any known field."""
    parsed, refusal = outcome(json.dumps(fields).encode())

    assert (parsed is None) != (refusal == "")
    if parsed is not None:
        known = {field.alias or name for name, field in type(parsed).model_fields.items()}
        assert set(fields) <= known


_STEP = st.fixed_dictionaries(
    {"for_s": st.floats(0.01, 5) | _JSON},
    optional={name: _OBJECT | st.just({"scene": "empty"}) for name in ("scene", "from", "to")},
)


@settings(max_examples=200)
@given(st.lists(_STEP, max_size=3), st.booleans())
def test_any_script_parses_and_plays_or_is_refused(steps: list[dict[str, Any]], repeat: bool) -> None:
    """What is taken can be played at any time, before its start and long after its end."""
    sent = json.dumps({"scene": "script", "steps": steps, "repeat": repeat}).encode()
    parsed, refusal = outcome(sent)

    assert (parsed is None) != (refusal == "")
    if isinstance(parsed, Script):
        for passed_s in (-1.0, 0.0, 0.3, 1e9):
            assert 0 <= parsed.at(passed_s).step < len(steps)


@given(st.permutations(("portrait", "scene", "distance_m")), st.text(min_size=1, max_size=20))
def test_a_refused_step_never_repeats_a_value(order: list[str], said: str) -> None:
    """Neither a path nor a text from inside a script."""
    marked = f"\x01{said}\x01"
    scene = {"scene": "person", "portrait": marked, "distance_m": 99}
    line_ = json.dumps({"scene": "script", "steps": [{"for_s": 1, "scene": {key: scene[key] for key in order}}]})
    with pytest.raises(CommandInvalid) as refused:
        parse(line_.encode())

    assert marked not in str(refused.value)
    assert "steps.0.scene.distance_m" in str(refused.value)
