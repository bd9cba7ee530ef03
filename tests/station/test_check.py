"""`eid-station check`: what an admin reads at three in the morning."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

from models.store import ModelStore
from provisioning.fleet import Fleet
from station.__main__ import main
from station.spool import Spool, Writer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """A station as the fleet makes one, in directories of this test."""
    missing = ModelStore.standard(demo=True).needed()
    if missing:
        pytest.skip(f"model file {missing[0].file} is missing; its origin: {missing[0].origin}")
    fleet = Fleet.create(tmp_path / "fleet", ("127.0.0.1",), datetime.now(UTC))
    fleet.add_station("st-0001", tmp_path / "keys", datetime.now(UTC), days=90)
    Spool(tmp_path / "state").prepare(Writer.CAPTURE)
    Spool(tmp_path / "state").prepare(Writer.LINK)
    link = tmp_path / "keys" / "link"
    return {
        "station": {"id": "st-0001", "state_dir": str(tmp_path / "state")},
        "capture": {"runtime_dir": "/dev/shm/eid-check", "key_dir": str(tmp_path / "keys" / "capture")},
        "camera": {"driver": "emulated"},
        "fingerprint": {"driver": "serial", "options": {"device": "/dev/serial0", "password": "0badcafe"}},
        "panel": {"driver": "gpiozero", "options": {"pin_factory": "eid_emulated"}},
        "display": {"driver": "oled-128x64"},
        "link": {
            "host": "broker.example.org",
            "cafile": str(link / "ca.crt"),
            "certfile": str(link / "tls.crt"),
            "keyfile": str(link / "tls.key"),
            "centre_keys": [str(link / "centre-verifying.json")],
        },
    }


def check(tmp_path: Path, tables: dict[str, dict[str, Any]], *more: str) -> Result:
    file = tmp_path / "station.toml"
    file.write_text(tomli_w.dumps(tables), "utf-8")
    return CliRunner().invoke(main, ["check", "--config", str(file), *more])


def problems(result: Result) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in result.output.splitlines() if line.startswith("PROBLEM")]


def test_good_station_is_well(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """Every part by name, one line at the end, exit status 0."""
    result = check(tmp_path, tables)

    assert problems(result) == []
    assert result.output.splitlines()[-1] == "st-0001: all is well"
    assert result.exit_code == 0


def test_each_broken_part_is_named_with_what_to_do(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """All of them in one run, in both languages; exit status 1."""
    tables["capture"] |= {"runtime_dir": str(ROOT), "workflow_policy": "desk-1999"}
    tables["display"]["driver"] = "oled"
    tables["station"]["state_dir"] = str(tmp_path / "gone")
    (tmp_path / "keys" / "capture" / "opening.json").write_text("{}")
    (tmp_path / "keys" / "link" / "tls.key").unlink()
    result = check(tmp_path, tables)

    assert problems(result) == [
        "workflow policy",
        "capture keys",
        "runtime directory",
        "room for captures",
        "link certificate",
        "display driver",
    ]
    assert "Choose one of: emulated, lcd-320x240, oled-128x64" in result.output
    assert "systemd-tmpfiles" in result.output
    assert "Chọn một trong" in result.output
    assert "6 of 14 need mending" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(("driver", "policy"), [("serial", "slap-2026-11"), ("sbi", "single-finger-2026-11")])
def test_finger_policy_of_another_driver_is_refused(
    tmp_path: Path, tables: dict[str, dict[str, Any]], driver: str, policy: str
) -> None:
    """P5: a single press that nothing verifies is no capture of a single-finger sensor."""
    options = {"serial": {"device": "/dev/ttyAMA0"}, "sbi": {"trust_anchors": "/etc/eid/anchors.pem"}}
    tables["fingerprint"] = {"driver": driver, "options": options[driver]}
    tables["capture"]["finger_policy"] = policy
    result = check(tmp_path, tables)

    assert "finger policy" in problems(result)
    assert "does not belong to the driver" in result.output


def test_broken_link_table_is_told_once(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """Its files are looked at when it can be read."""
    tables["link"]["prot"] = 8883
    result = check(tmp_path, tables)

    assert problems(result) == ["link"]
    assert "link.prot: no such key" in result.output
    assert str(tmp_path / "station.toml") in result.output


def test_expired_certificate_is_told(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """With its date, before the broker refuses it."""
    fleet = Fleet.create(tmp_path / "old", ("127.0.0.1",), datetime.now(UTC) - timedelta(days=30))
    fleet.add_station("st-0001", tmp_path / "old-keys", datetime.now(UTC) - timedelta(days=20), days=10)
    link = tmp_path / "old-keys" / "link"
    tables["link"] |= {"certfile": str(link / "tls.crt"), "keyfile": str(link / "tls.key")}

    assert problems(check(tmp_path, tables)) == ["link certificate"]


def test_all_wrong_places_are_named_at_once(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """Nobody wants to find them one restart apart."""
    del tables["capture"]["key_dir"]
    tables["camera"]["colour"] = "red"
    result = check(tmp_path, tables)

    assert result.exit_code == 78
    assert "capture.key_dir" in result.output
    assert "camera.colour" in result.output


def test_dump_has_the_defaults_and_no_password(tmp_path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """The configuration as it counts."""
    result = check(tmp_path, tables, "--dump-config")
    dumped = json.loads(result.output)

    assert dumped["capture"]["finger_policy"] == "single-finger-2026-11"
    assert dumped["fingerprint"]["options"]["password"] == "***"
    assert "0badcafe" not in result.output
