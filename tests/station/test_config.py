"""The configuration: a wrong one is refused with place and reason, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from station import config, policy
from station.errors import ConfigInvalid
from wire.catalogue import bundled

GOOD = """
[station]
id = "st-0001"
state_dir = "/var/lib/eid"
[capture]
runtime_dir = "/run/eid-capture"
key_dir = "/etc/eid/capture"
[camera]
driver = "picamera2"
[fingerprint]
driver = "serial"
options = { device = "/dev/serial0" }
[panel]
driver = "gpiozero"
options = { pin_factory = "lgpio" }
[display]
driver = "oled-128x64"
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "station.toml"
    file.write_text(text, "utf-8")
    return file


def test_good_file_is_read(tmp_path: Path) -> None:
    """All sections, defaults for the rest."""
    found = config.load(write(tmp_path, GOOD))

    assert found.station.id == "st-0001"
    assert found.fingerprint.options == {"device": "/dev/serial0"}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('id = "st-0001"', 'id = "Station 1"', "station.id"),
        ('id = "st-0001"', 'id = "st-0001"\ncolour = "red"', "station.colour"),
        ("[camera]", "[kamera]", "camera"),
        ('state_dir = "/var/lib/eid"', "", "station.state_dir"),
        ('driver = "picamera2"', "driver = 5", "camera.driver"),
    ],
)
def test_wrong_file_names_the_place(tmp_path: Path, old: str, new: str, field: str) -> None:
    """One sentence with file and field, in both languages."""
    with pytest.raises(ConfigInvalid) as raised:
        config.load(write(tmp_path, GOOD.replace(old, new)))
    sentence = bundled().of_error(raised.value)

    assert raised.value.params["field"] == field
    assert field in sentence.vi
    assert field in sentence.en


@pytest.mark.parametrize("text", ["[station", "\x00", "a = 1\na = 2"])
def test_no_toml_is_said_so(tmp_path: Path, text: str) -> None:
    """Broken files and files that are not there."""
    with pytest.raises(ConfigInvalid):
        config.load(write(tmp_path, text))
    with pytest.raises(ConfigInvalid):
        config.load(tmp_path / "missing.toml")


def test_bundled_policies_are_valid() -> None:
    """The files that ship."""
    desk = policy.desk("desk-2026-11")
    fingers = policy.finger("single-finger-2026-11")

    assert desk.portrait_attempts == 3
    assert fingers.capture().presses_per_finger == 3


def test_unknown_policy_is_an_error() -> None:
    """Never a default in its place."""
    with pytest.raises(ConfigInvalid):
        policy.desk("desk-1999-01")
