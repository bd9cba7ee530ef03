"""Scripts: a function of time, whole or refused, and the named ones play."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.camera.commands import CommandInvalid, Group, Person, Script, parse
from drivers.camera.script import FILE_LIMIT_BYTES, named_script, script_names
from drivers.camera.stills import StillsDiffer, between

PERSON = {"scene": "person", "portrait": "/a.jpg"}
FAR = {**PERSON, "distance_m": 1.0}
LINES = ("A" * 44, "B" * 44)


def script(*steps: dict[str, Any], **fields: Any) -> Script:
    parsed = parse(json.dumps({"scene": "script", "steps": steps, **fields}).encode())
    assert isinstance(parsed, Script)
    return parsed


MOVING = script(
    {"for_s": 1.0, "scene": {"scene": "empty"}, "lux": 50},
    {"for_s": 2.0, "from": FAR, "to": PERSON},
    {"for_s": 0.5, "scene": PERSON, "lux": 400},
)


def test_each_step_lasts_as_long_as_it_says() -> None:
    """Steps follow one another; the last one's end stays."""
    at = [MOVING.at(passed_s) for passed_s in (0.0, 0.99, 1.0, 2.99, 3.1, 3.5, 99.0)]

    assert [playing.step for playing in at] == [0, 0, 1, 1, 2, 2, 2]
    assert [playing.ended for playing in at] == [False] * 5 + [True] * 2
    assert MOVING.length_s == 3.5
    assert at[-1].still == at[-2].still == parse(json.dumps(PERSON).encode())


def test_light_stays_until_a_step_changes_it() -> None:
    """None before any step named one."""
    assert [MOVING.at(s).lux for s in (0.5, 2.0, 3.2)] == [50, 50, 400]
    assert script({"for_s": 1, "scene": PERSON}).at(0).lux is None


def test_movement_is_soft_or_steady() -> None:
    """Half way at half time; slower at both ends, or even."""
    soft = script({"for_s": 1, "from": FAR, "to": PERSON})
    steady = script({"for_s": 1, "from": FAR, "to": PERSON, "steady": True})

    assert [round(soft.at(s).still.distance_m, 3) for s in (0, 0.1, 0.5, 1)] == [1.0, 0.989, 0.8, 0.6]
    assert [round(steady.at(s).still.distance_m, 3) for s in (0, 0.1, 0.5, 1)] == [1.0, 0.96, 0.8, 0.6]


def test_a_repeated_script_begins_again() -> None:
    """And never ends."""
    again = script({"for_s": 1, "scene": PERSON}, {"for_s": 1, "scene": FAR}, repeat=True)

    assert [again.at(s).step for s in (0.5, 1.5, 2.5, 3.5, 20.5)] == [0, 1, 0, 1, 0]
    assert not again.at(1e6).ended


@given(st.floats(0, 10), st.floats(0, 10))
def test_between_two_stills_lies_a_still(one_s: float, other_s: float) -> None:
    """Numbers move with the share, also inside groups; the same moment is always the same still."""
    group = Group(scene="group", people=(Person(scene="person", portrait=Path("/a")),) * 2)
    moved = group.model_copy(update={"people": (group.people[0], group.people[1].model_copy(update={"offset_x": 0.8}))})
    near, far = sorted((one_s / 10, other_s / 10))
    first, second = between(group, moved, near), between(group, moved, far)

    assert isinstance(first, Group)
    assert isinstance(second, Group)
    assert first.people[0] == group.people[0]
    assert 0 <= first.people[1].offset_x <= second.people[1].offset_x <= 0.8
    assert between(group, moved, near) == first


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"portrait": "/b.jpg"}, "portrait"),
        ({"hat": True}, "hat"),
        ({"glasses": "dark"}, "glasses"),
        ({"eyes": [[0.4, 0.4], [0.6, 0.4]]}, "eyes"),
    ],
)
def test_what_has_no_values_in_between_cannot_move(changed: dict[str, Any], field: str) -> None:
    """The refusal names the field."""
    with pytest.raises(CommandInvalid, match=f"differ in {field}"):
        script({"for_s": 1, "from": PERSON, "to": {**PERSON, **changed}})


def test_eyes_do_not_move_in_the_photograph() -> None:
    """They say where the photograph has them."""
    one = Person(scene="person", portrait=Path("/a"), eyes=((0.4, 0.4), (0.6, 0.4)))
    with pytest.raises(StillsDiffer, match="eyes"):
        between(one, one.model_copy(update={"eyes": ((0.3, 0.4), (0.6, 0.4))}), 0.5)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "steps"),
        ([{"for_s": 1}], "either scene, or from and to"),
        ([{"for_s": 1, "scene": PERSON, "from": PERSON}], "either scene"),
        ([{"for_s": 1, "from": PERSON}], "either scene"),
        ([{"for_s": 0, "scene": PERSON}], "for_s"),
        ([{"for_s": 1, "scene": {"scene": "script"}}], "scene: name one scene of"),
        ([{"for_s": 1, "from": PERSON, "to": {"scene": "empty"}}], "differ in scene"),
        ([{"for_s": 1, "scene": {**PERSON, "yaw_deg": 90}}], "yaw_deg"),
        ([{"for_s": 1, "scene": PERSON, "lux": 0}], "lux"),
        ([{"for_s": 1, "scene": PERSON}] * 201, "steps"),
    ],
)
def test_a_script_that_is_not_whole_is_refused(steps: list[Any], said: str) -> None:
    """Before anything plays."""
    with pytest.raises(CommandInvalid, match=said):
        script(*steps)


@pytest.mark.parametrize("name", script_names())
def test_every_named_script_parses_and_passes_the_socket(name: str) -> None:
    """Its command, sent as JSON, is the same script."""
    played = named_script(
        name, portrait="/a.jpg", second="/b.jpg", lines=LINES, qr_text="x", eyes=((0.4, 0.4), (0.6, 0.4))
    )

    assert parse(json.dumps(played.command()).encode()) == played
    assert 5.0 < played.length_s < 15.0
    assert played.name == name


def test_the_named_scripts_are_these() -> None:
    """What the system tests play by name."""
    assert set(script_names()) >= {
        "enters",
        "too-far",
        "looks-away",
        "blinks",
        "second-person",
        "walks-past",
        "child-held-low",
        "lights-off",
        "passport",
        "qr-card",
        "covered",
        "glasses",
    }


def test_who_is_missing_is_named() -> None:
    """Never the path of who is there."""
    with pytest.raises(ValueError, match="needs second") as refused:
        named_script("walks-past", portrait="/NGUYEN.jpg")
    assert "NGUYEN" not in str(refused.value)
    with pytest.raises(ValueError, match="there are"):
        named_script("NGUYEN", portrait="/a")


def test_eyes_may_be_left_out() -> None:
    """The usual place is taken then."""
    still = named_script("looks-away", portrait="/a").at(0).still

    assert isinstance(still, Person)
    assert still.eyes is None


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_a_script_of_ones_own_is_read_from_a_file(tmp_path: Path, suffix: str) -> None:
    """TOML or JSON, with the same stand-ins."""
    path = tmp_path / f"own{suffix}"
    step = '{"for_s": 2.0, "scene": {"scene": "person", "portrait": "$portrait"}}'
    table = '[[steps]]\nfor_s = 2.0\nscene = { scene = "person", portrait = "$portrait" }\n'
    path.write_text(table if suffix == ".toml" else f'{{"steps": [{step}]}}', "utf-8")
    still = named_script(path, portrait=tmp_path / "a.jpg").at(0).still

    assert isinstance(still, Person)
    assert still.portrait == tmp_path / "a.jpg"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"\xff\xfe", "UTF-8"),
        (b"steps = [", "neither TOML nor JSON"),
        (b"a = 1", "steps"),
        (b"steps = [{for_s = 1, scene = '$NGUYEN'}]", "nobody can play"),
        (b"#" * (FILE_LIMIT_BYTES + 1), "larger"),
    ],
)
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    """One sentence without the path."""
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=said) as refused:
        named_script(path, portrait="/a")

    assert str(tmp_path) not in str(refused.value)
    assert not isinstance(refused.value, ValidationError)
