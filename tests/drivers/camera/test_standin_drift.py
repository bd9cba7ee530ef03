"""The stand-in for libcamera against the real bindings, wherever an interpreter has them.

That interpreter is the system's Python, or the command in EID_LIBCAMERA_PYTHON (on Debian 13 and Raspberry Pi OS the
package python3-libcamera provides them).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STANDIN = Path(__file__).with_name("standin")
DUMP = STANDIN / "dump.py"
SINCE_0_5 = {"ExposureTimeMode", "AnalogueGainMode"}
"""Controls that libcamera 0.4 does not have yet; picamera2 0.3.38 sets them."""


def dumped(command: list[str], standin: bool) -> dict[str, Any] | None:
    """What libcamera is to that interpreter, which reads the script from standard input; None where it has none."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if standin:
        environment["PYTHONPATH"] = str(STANDIN)
    try:
        run = subprocess.run(
            [*command, "-"],
            input=DUMP.read_text("utf-8"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError:
        return None
    if run.returncode != 0:
        assert "No module named 'libcamera'" in run.stderr, run.stderr
        return None
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.fixture(scope="module")
def standin() -> dict[str, Any]:
    """The stand-in's names."""
    found = dumped([sys.executable], standin=True)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    """The real bindings' names."""
    named = os.environ.get("EID_LIBCAMERA_PYTHON")
    for command in [shlex.split(named)] if named else [[sys.executable], ["/usr/bin/python3"]]:
        found = dumped(command, standin=False)
        if found is not None:
            return found
    assert named is None, f"no libcamera behind EID_LIBCAMERA_PYTHON={named}"
    pytest.skip("no real libcamera bindings here (Debian 13, Raspberry Pi OS: python3-libcamera; EID_LIBCAMERA_PYTHON)")


def test_the_standin_has_all_that_is_compared(standin: dict[str, Any]) -> None:
    """The lists of the comparison hold nothing that the stand-in does not have."""
    assert all(standin["enumerations"].values())
    assert all(standin["controls"].values())
    assert standin["state_is_its_number"]


def test_enumerations_have_the_same_names_and_numbers(standin: dict[str, Any], real: dict[str, Any]) -> None:
    """Every name of ours exists with our number."""
    for path, ours in standin["enumerations"].items():
        theirs = real["enumerations"][path]

        assert theirs is not None, path
        assert ours.items() <= theirs.items(), path


def test_controls_have_the_same_types(standin: dict[str, Any], real: dict[str, Any]) -> None:
    """Every control of ours exists with our type, but for those newer than the bindings at hand."""
    for name, ours in standin["controls"].items():
        theirs = real["controls"][name]

        assert theirs == ours or (theirs is None and name in SINCE_0_5), name


def test_members_and_colour_spaces_are_the_same(standin: dict[str, Any], real: dict[str, Any]) -> None:
    """What picamera2 and the adapter call exists; the named colour spaces are made of the same parts."""
    for kind, ours in standin["members"].items():
        assert set(ours) <= set(real["members"][kind]), kind

    assert standin["spaces"] == real["spaces"]
    assert standin["transform"] == real["transform"]
    assert real["state_is_its_number"]
