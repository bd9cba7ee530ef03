"""`eid-fleet` as an admin types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioning.broker import free_port
from provisioning.fleet import Fleet

EID_FLEET = [sys.executable, "-m", "provisioning"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*EID_FLEET, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_from_nothing_to_a_checked_and_revoked_station(tmp_path: Path) -> None:
    """init, station, check, list, revoke, list."""
    fleet, files = tmp_path / "fleet", tmp_path / "files"
    done = [
        run("init", fleet, "--host", "127.0.0.1"),
        run("station", "st-0001", "--fleet", fleet, "--out", files, "--office", "Quận 1"),
        run("check", files),
        run("list", "--fleet", fleet),
        run("revoke", "st-0001", "--fleet", fleet),
        run("list", "--fleet", fleet),
    ]

    assert [each.returncode for each in done] == [0] * 6, [each.stderr for each in done]
    assert "st-0001: files are in order" in done[2].stdout
    assert "valid until" in done[3].stdout
    assert "Quận 1" in done[3].stdout
    assert "revoked" in done[5].stdout


def test_an_expired_certificate_is_one_clear_sentence_in_both_languages(tmp_path: Path) -> None:
    """It says when, and what to do; no traceback."""
    past = datetime.now(UTC) - timedelta(days=40)
    fleet = Fleet.create(tmp_path / "fleet", ["127.0.0.1"], past)
    fleet.add_station("st-0001", tmp_path / "files", past, days=30)
    ended = (past + timedelta(days=30)).date().isoformat()
    answer = run("check", tmp_path / "files")

    assert answer.returncode == 1
    assert f"Chứng thư của st-0001 đã hết hạn ngày {ended}" in answer.stderr
    assert f"The certificate of st-0001 expired on {ended}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_broker_run_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    """SIGTERM, as systemd sends it, ends the broker too and leaves status 0."""
    Fleet.create(tmp_path / "fleet", ["127.0.0.1"], datetime.now(UTC))
    command = [*EID_FLEET, "broker", "run", str(tmp_path / "fleet"), "--port", str(free_port())]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        broker_pid = int((tmp_path / "fleet" / "broker" / "mosquitto.pid").read_text())
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)

    assert "broker ready on 127.0.0.1:" in ready
    assert said == "broker ended\n"
    assert process.returncode == 0
    assert not Path(f"/proc/{broker_pid}").exists()


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    """A fleet below a file, a station's files below a file, a key that is a folder: no traceback, the path is named."""
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    fleet = Fleet.create(tmp_path / "fleet", ["127.0.0.1"], datetime.now(UTC))
    answers = {
        plain / "fleet": run("init", plain / "fleet", "--host", "127.0.0.1"),
        plain / "out": run("station", "st-0001", "--fleet", fleet.layout.root, "--out", plain / "out"),
    }
    fleet.layout.ca_key.unlink()
    fleet.layout.ca_key.mkdir()
    answers[fleet.layout.ca_key] = run("renew-crl", "--fleet", fleet.layout.root)

    for path, answer in answers.items():
        assert answer.returncode == 1, answer.stderr
        assert "Traceback" not in answer.stderr
        assert len(answer.stderr.strip().splitlines()) == 2
        assert str(path.parent) in answer.stderr
