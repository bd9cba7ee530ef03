"""Issue point 10 at the desk: wrong input gets one sentence per fault, says what to do, and stores nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from central.store.tables import cases
from central.supervisor import WORKERS
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION, STATION, Site, adult_form
from wire.case import qr_text


def _write(site: Site, form: Any) -> str:
    path = site.root / "tk01.json"
    path.write_text(form if isinstance(form, str) else json.dumps(form), "utf-8")
    return str(path)


def _cases(site: Site) -> int:
    store = site.open_store()
    with store.read() as connection:
        count = len(connection.execute(cases.select()).all())
    store.close()
    return count


@pytest.fixture
def desk(bare_site: Site) -> Site:
    return bare_site


def test_command_runs_as_its_own_process(desk: Site) -> None:
    """The entry point works outside of this process, and prints sentences, not tracebacks."""
    command = [sys.executable, "-m", "central", "--config", str(desk.root / "missing.toml"), "cases"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "missing.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_registered_case_is_told_and_its_code_is_readable(desk: Site) -> None:
    """Dossier id and short code on the terminal; the PNG holds the dossier id and nothing else."""
    qr = desk.root / "qr.png"
    said = desk.cli("register-case", _write(desk, adult_form()), "--station", STATION, "--qr", str(qr)).stdout
    (case,) = json.loads(desk.cli("cases", "--json").stdout)
    (read,) = zxingcpp.read_barcodes(Image.open(BytesIO(qr.read_bytes())).convert("L"))

    assert case["dossier_id"] in said
    assert case["code"] in said
    assert read.text == qr_text(case["dossier_id"])
    assert (case["state"], case["plan_id"]) == ("registered", "single-2")


def test_every_wrong_field_is_named_and_nothing_stored(desk: Site) -> None:
    """One line per field in both languages, without the value."""
    form = adult_form()
    form["birth_date"], form["phone"]["number"], form["colour"] = "12/03/1985", "123", "blue"

    done = desk.cli("register-case", _write(desk, form), "--station", STATION, ok=False)

    assert done.exit_code == 2
    lines = done.stderr.strip().splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["birth_date", "colour", "phone.number"]
    assert "12/03/1985" not in done.stderr
    assert _cases(desk) == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"surname": 1}', "\ud800", '{"a":' * 5000])
def test_file_that_is_no_form_is_refused(desk: Site, text: str) -> None:
    """Whatever lies in the file: exit status 2, a sentence, nothing stored."""
    path = desk.root / "tk01.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    done = desk.cli("register-case", str(path), "--station", STATION, ok=False)

    assert done.exit_code == 2
    assert done.stderr.strip()
    assert _cases(desk) == 0


@given(data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_intake(desk: Site, data: bytes) -> None:
    """Fuzzed: never an exception, never a case."""
    path = desk.root / "tk01.json"
    path.write_bytes(data)

    assert desk.cli("register-case", str(path), "--station", STATION, ok=False).exit_code == 2


def _without_card() -> dict[str, Any]:
    return {**adult_form(), "card": None}


def _expired() -> dict[str, Any]:
    form = adult_form()
    form["document"] |= {"issued_on": "2015-01-01", "valid_until": "2020-01-01"}
    return form


def _small_child() -> dict[str, Any]:
    return {**adult_form(), "birth_date": f"{datetime.now(UTC).year - 3}-01-01"}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({**adult_form(), "nationality": "VNM"}, "VN_CITIZEN"),
        (_expired(), "DOC_EXPIRED"),
        (_small_child(), "AGE_UNDER_6"),
        ({**adult_form(), "phone": {"number": "0900000000", "owner": "enterprise"}}, "PHONE_ENTERPRISE"),
    ],
)
def test_case_the_rules_stop_is_not_opened(desk: Site, form: dict[str, Any], code: str) -> None:
    """Nobody is captured who cannot get the account; the rules' own sentence says why."""
    done = desk.cli("register-case", _write(desk, form), "--station", STATION, ok=False)

    assert done.exit_code == 1
    assert code in done.stderr
    assert len(done.stderr.strip().splitlines()) == 4
    assert _cases(desk) == 0
    (refusal,) = json.loads(desk.cli("refusals", "--json").stdout)
    assert (refusal["station_id"], refusal["reason"]) == (STATION, code)
    listed = desk.cli("refusals").stdout
    assert refusal["inputs_sha256"] in listed
    assert form["surname"] not in listed


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--station", "st-9999"], "st-9999"),
        (["--station", "../../etc/passwd"], "../../etc"),
        (["--station", STATION, "--plan", "single-3"], "single-10, single-2, single-4"),
    ],
)
def test_unknown_station_or_plan_is_named(desk: Site, arguments: list[str], word: str) -> None:
    """What there is instead stands in the sentence."""
    done = desk.cli("register-case", _write(desk, adult_form()), *arguments, ok=False)

    assert done.exit_code == 1
    assert word in done.stderr
    assert _cases(desk) == 0


def test_revoked_station_gets_no_case(desk: Site) -> None:
    """Nor does an expired one."""
    desk.fleet.revoke(STATION, datetime.now(UTC))

    assert desk.cli("register-case", _write(desk, adult_form()), "--station", STATION, ok=False).exit_code == 1
    assert _cases(desk) == 0


def test_missing_file_is_named(desk: Site) -> None:
    """Not a traceback."""
    done = desk.cli("register-case", "/nowhere/tk01.json", "--station", STATION, ok=False)

    assert (done.exit_code, "/nowhere/tk01.json" in done.stderr) == (1, True)


def test_database_that_was_not_migrated_is_named(desk: Site) -> None:
    """The sentence says which command to run."""
    for path in (desk.root / "data").glob("central.sqlite*"):
        path.unlink()

    done = desk.cli("cases", ok=False)
    desk.cli("migrate")

    assert (done.exit_code, "eid-central migrate" in done.stderr) == (1, True)
    assert desk.cli("cases").exit_code == 0


def test_show_takes_dossier_or_code_and_hides_the_form(desk: Site) -> None:
    """Names are shown only when asked for."""
    desk.cli("register-case", _write(desk, adult_form()), "--station", STATION)
    (case,) = json.loads(desk.cli("cases", "--json").stdout)
    plain, by_code = desk.cli("show", case["dossier_id"]).stdout, desk.cli("show", case["code"]).stdout
    with_form = desk.cli("show", case["code"], "--form").stdout

    assert plain == by_code
    assert adult_form()["surname"] not in plain
    assert adult_form()["surname"] in with_form


def test_unknown_case_is_named(desk: Site) -> None:
    """By what was asked for."""
    done = desk.cli("show", "NOSUCH", ok=False)

    assert (done.exit_code, "NOSUCH" in done.stderr) == (1, True)


def test_stations_are_listed_as_they_stand(desk: Site) -> None:
    """Accepted, revoked, unreadable."""
    desk.fleet.revoke(OTHER_STATION, datetime.now(UTC))
    (desk.fleet.layout.stations / "st-0003.json").write_text("{}")

    said = desk.cli("stations").stdout.split()

    assert (said[1], said[4], said[7]) == ("accepted", "revoked", "unreadable")


def test_rejections_are_listed_with_their_sentence(desk: Site, sqlite_centre: Centre) -> None:
    """What was not stored, why, and how often it came."""
    bundle = sqlite_centre.bundle(sqlite_centre.register())
    sqlite_centre.deliver(b"rubbish", bundle.bundle_id)

    said = desk.cli("rejections").stdout

    assert bundle.bundle_id in said
    assert "canonical" in said


def test_capture_is_exported_as_it_came(desk: Site, sqlite_centre: Centre) -> None:
    """Sealed, byte for byte; nothing is overwritten, an unknown id is named."""
    bundle = sqlite_centre.bundle(sqlite_centre.register())
    raw = sqlite_centre.sealed(bundle)
    sqlite_centre.deliver(raw, bundle.bundle_id)
    out = desk.root / "taken.cose"
    desk.cli("export", bundle.bundle_id, "--out", str(out))
    again = desk.cli("export", bundle.bundle_id, "--out", str(out), ok=False)
    unknown = desk.cli("export", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--out", str(desk.root / "no.cose"), ok=False)

    assert out.read_bytes() == raw
    assert (again.exit_code, unknown.exit_code) == (1, 1)
    assert "01ARZ3NDEKTSV4RRFFQ69G5FAV" in unknown.stderr


def test_worker_with_unreadable_keys_says_so(desk: Site) -> None:
    """Before anything is started."""
    (desk.fleet.layout.centre / "opening.json").unlink()

    done = desk.cli("run", ok=False)

    assert (done.exit_code, "opening.json" in done.stderr) == (1, True)


def test_every_worker_has_a_name_for_only() -> None:
    """`run --only` knows what the supervisor starts."""
    assert WORKERS == ("ingest", "jobs")


def _refused(desk: Site, *arguments: str) -> str:
    """What the command says where it cannot be done: two sentences, no traceback, exit status 1."""
    done = desk.cli(*arguments, ok=False)

    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 2
    return done.stderr


def test_what_the_system_refuses_is_one_sentence(desk: Site, tmp_path: Path) -> None:
    """A folder below a file, a data folder that cannot be made, a port that is taken."""
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = _refused(desk, "emulated-register", "--port", port)
    assert f"127.0.0.1:{port}" in said
    assert "in use" in said

    desk.write_config(**{'data_dir = "data"': f'data_dir = "{plain}/data"'})
    assert str(plain / "data") in _refused(desk, "migrate")


def test_case_is_told_although_its_picture_cannot_be_written(desk: Site, tmp_path: Path) -> None:
    """Else the desk would register the form again and be told that the dossier exists."""
    picture = tmp_path / "missing" / "qr.png"
    done = desk.cli(
        "register-case", _write(desk, adult_form()), "--station", STATION, "--qr", str(picture), "--json", ok=False
    )

    assert done.exit_code == 1
    assert str(picture) in done.stderr
    assert len(json.loads(done.stdout)["dossier_id"]) == 26


def test_exception_nobody_foresaw_does_not_show_its_text(desk: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """P2: what a library says of a form repeats the form."""

    def fail(*_arguments: object) -> None:
        raise RuntimeError(adult_form()["surname"])

    monkeypatch.setattr("central.cli_cases.register_case", fail)
    said = _refused(desk, "register-case", _write(desk, adult_form()), "--station", STATION)

    assert "RuntimeError" in said
    assert "test_cli.py" in said
    assert adult_form()["surname"] not in said


def test_no_command_dumps_core(desk: Site) -> None:
    """P2: a crash would write forms and pictures into a file, wherever the machine keeps such."""
    desk.start_emulated("register")
    limits = Path(f"/proc/{desk.processes[-1].pid}/limits").read_text("utf-8")

    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]


def test_database_that_was_not_made_yet_names_the_command(desk: Site, tmp_path: Path) -> None:
    """The first thing a new admin meets; a command that only looks makes no file."""
    folder = tmp_path / "elsewhere"
    for made in (False, True):
        if made:
            folder.mkdir()
        desk.write_config(**{'data_dir = "data"': f'data_dir = "{folder}"'})

        assert "eid-central migrate" in _refused(desk, "cases")
    assert list(folder.iterdir()) == []
