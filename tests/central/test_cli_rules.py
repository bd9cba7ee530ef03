"""The auditors' commands, run as commands: output, schema, exit status, one sentence per wrong field."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from central.cli_rules import COMMANDS

SCHEMAS = Path(__file__).parents[2] / "central" / "schema"
CASE_SCHEMA = json.loads((SCHEMAS / "case.json").read_text("utf-8"))
DECISION_SCHEMA = json.loads((SCHEMAS / "decision.json").read_text("utf-8"))
EXAMPLE = """
{"visit": "2025-07-04T16:45:00+07:00", "campaign": false, "request": "issue",
 "applicant": {"nationality": "KOR", "birth_date": "1985-03-12", "is_ward": false},
 "document": {"type": "passport", "valid_until": "2030-03-11", "readable": true, "specimen": false, "mrz": null},
 "card": {"kind": "temporary", "symbol": "LĐ2", "valid_until": "2026-12-31"},
 "stay_valid_until": null,
 "representative": {"present": true, "lawful": true},
 "phone": {"number": "0912345678", "owner": "self", "linked_elsewhere": false},
 "email": null, "form_signed": true, "consent": true, "face_ok": true,
 "plan": ["right_thumb", "left_little"],
 "fingers": {"right_thumb": "captured", "left_little": "bandaged"}, "fingers_signed": true,
 "register": {"face": "yes", "fingers": "no", "match": "yes"},
 "open_dossier": null}
"""


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """One command line after `eid-central`."""
    command = next(command for command in COMMANDS if command.name == arguments[0])
    return CliRunner().invoke(command, list(arguments[1:]), input=stdin)


def answer(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """The one JSON object printed by a command that succeeds."""
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1

    found: dict[str, Any] = json.loads(result.stdout)
    return found


def decided(**changes: Any) -> dict[str, Any]:
    """The answer to the example with changed members."""
    return answer("decide", "--case", "-", stdin=json.dumps(json.loads(EXAMPLE) | changes))


def test_the_example_gives_the_example() -> None:
    """Input and output of the specification, field by field."""
    out = answer("decide", "--case", "-", stdin=EXAMPLE)
    texts, policy = out.pop("texts"), out.pop("policy")

    assert out == {
        "outcome": "L2_ACCEPT",
        "row": "D23",
        "reason": None,
        "working_days": 7,
        "due": "2025-07-15",
        "alarm": None,
        "provisional": False,
        "notify": ["vneid", "sms"],
        "warnings": [],
    }
    assert set(texts) == {"vi", "en"}
    assert "07 ngày làm việc" in texts["vi"]
    assert "7 working days" in texts["en"]
    assert policy.startswith("l2-2024-07-01; ")


def test_a_file_and_stdin_give_the_same(tmp_path: Path) -> None:
    """`--case FILE` or `-`."""
    file = tmp_path / "case.json"
    file.write_text(EXAMPLE, "utf-8")

    assert answer("decide", "--case", str(file)) == answer("decide", "--case", "-", stdin=EXAMPLE)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"request": "lock"},
        {"open_dossier": {"id": "7", "due": "2025-07-09"}},
        {"card": None},
        {"document": None},
        {"register": {}},
        {"phone": None},
        {"email": "a@example.com"},
        {"visit": "2027-12-30T09:00:00Z", "card": {"kind": "permanent"}},
        {"applicant": {"nationality": "FRA", "birth_date": "2024-02-29"}},
    ],
)
def test_input_and_output_fit_the_committed_schemas(changes: dict[str, Any]) -> None:
    """The schemas beside the command describe both sides."""
    case = json.loads(EXAMPLE) | changes
    jsonschema.Draft202012Validator(CASE_SCHEMA).validate(case)
    out = answer("decide", "--case", "-", stdin=json.dumps(case))

    jsonschema.Draft202012Validator(DECISION_SCHEMA).validate(out)


def test_the_output_schema_refuses_what_must_not_be() -> None:
    """A refusal with a due date, or an unknown key, would not pass."""
    validator = jsonschema.Draft202012Validator(DECISION_SCHEMA)
    refused = decided(card=None)

    assert validator.is_valid(refused)
    assert not validator.is_valid(refused | {"due": "2025-07-15"})
    assert not validator.is_valid(refused | {"notify": ["sms"]})
    assert not validator.is_valid(refused | {"colour": "red"})


def test_a_provisional_answer_prints_seven_and_alarms_at_three() -> None:
    """`due` is the printed date, the 7-day one; `alarm` the 3-day one."""
    out = decided(visit="2025-07-08T09:00:00+07:00", register={})

    assert (out["row"], out["due"], out["alarm"], out["provisional"]) == ("D24", "2025-07-17", "2025-07-11", True)


def test_existing_repeats_the_open_due() -> None:
    """EXISTING has the open dossier's due, no term and nobody to notify."""
    out = decided(open_dossier={"id": "7", "due": "2025-07-09"})

    assert (out["outcome"], out["due"], out["working_days"], out["notify"]) == ("EXISTING", "2025-07-09", None, [])


def test_malformed_input_is_one_sentence_per_field_and_exit_2() -> None:
    """All wrong fields, each on its line, nothing on stdout."""
    case = json.loads(EXAMPLE)
    broken = copy.deepcopy(case) | {"visit": "today", "colour": "red", "fingers": {"nose": "captured"}}
    del broken["applicant"]["birth_date"]
    result = run("decide", "--case", "-", stdin=json.dumps(broken))
    lines = result.stderr.splitlines()

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(":")[0] for line in lines] == ["applicant.birth_date", "colour", "fingers.nose", "visit"]
    assert all(" / " in line for line in lines)


@pytest.mark.parametrize("stdin", ["", "{", "[]", "null", '{"visit": 1, "visit": 2}', "\ufeff{", b"\xff\xfe\x00"])
def test_input_that_is_no_json_object_is_one_sentence(stdin: str | bytes) -> None:
    """Never a traceback."""
    result = run("decide", "--case", "-", stdin=stdin)

    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_and_a_missing_option_exit_2(tmp_path: Path) -> None:
    """The command says which file."""
    missing = run("decide", "--case", str(tmp_path / "none.json"))

    assert missing.exit_code == 2
    assert "none.json" in missing.stderr
    assert run("decide").exit_code == 2


def test_an_untrusted_clock_is_a_warning() -> None:
    """The auditor can say that the instant is not vouched for."""
    out = answer("decide", "--clock-untrusted", "--case", "-", stdin=EXAMPLE)

    assert [warning["code"] for warning in out["warnings"]] == ["CLOCK_UNTRUSTED"]
    assert (out["row"], out["due"]) == ("D23", "2025-07-15")


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2025-07-04T16:45:00+07:00", "7", "2025-07-15"),
        ("2025-07-07T17:30:00Z", "3", "2025-07-11"),
        ("2025-07-07", "3", "2025-07-10"),
        ("2025-04-25T08:00:00+07:00", "1", "2025-04-26"),
    ],
)
def test_due(received: str, days: str, due: str) -> None:
    """Instants with offset, or local dates."""
    out = answer("due", "--received", received, "--days", days)

    assert (out["due"], out["warnings"], out["projected_years"]) == (due, [], [])
    assert f"{due[8:]}/{due[5:7]}/{due[:4]}" in out["texts"]["vi"]
    assert all(out["sources"])


def test_due_beyond_the_data_warns() -> None:
    """A projection says so."""
    out = answer("due", "--received", "2027-12-30", "--days", "7")

    assert out["projected_years"] == [2028]
    assert [warning["code"] for warning in out["warnings"]] == ["CALENDAR_PROJECTED"]


@pytest.mark.parametrize(
    ("received", "days", "fields"),
    [
        ("2025-07-04T16:45:00", "7", ["received"]),
        ("yesterday", "0", ["received", "days"]),
        ("2025-07-04", "-1", ["days"]),
        ("2025-07-04", "3.5", ["days"]),
        ("2025-07-04", "٣", ["days"]),
        ("2025-07-04", "9" * 5000, ["days"]),
        ("2025-07-04", "99999", ["received"]),
        ("9999-12-31T23:59:59-11:00", "1", ["received"]),
    ],
)
def test_due_malformed(received: str, days: str, fields: list[str]) -> None:
    """Exit 2 and a sentence per wrong option."""
    result = run("due", "--received", received, "--days", days)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == fields


def test_calendar_of_a_year() -> None:
    """Days off and worked Saturdays, with their source."""
    out = answer("calendar", "--year", "2026")

    assert len(out["off"]) == 14
    assert out["working_saturdays"] == ["2026-01-10", "2026-08-22"]
    assert (out["projected"], out["warnings"]) == (False, [])
    assert out["source"]


def test_calendar_of_a_projected_year_says_so() -> None:
    """2028 has no data."""
    out = answer("calendar", "--year", "2028")

    assert (out["projected"], out["source"]) == (True, None)
    assert [warning["code"] for warning in out["warnings"]] == ["CALENDAR_PROJECTED"]


@pytest.mark.parametrize("year", ["0", "12345", "MMXXV", "-2025", "1900", "9" * 5000])
def test_calendar_malformed(year: str) -> None:
    """A year without calendar is one sentence."""
    result = run("calendar", "--year", year)

    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


def test_a_clerk_adds_a_day_off_and_sees_which_dossiers_move(tmp_path: Path) -> None:
    """One line in one file; the open dossiers across 23/11/2026 move, the others do not."""
    dossiers = [
        {"id": "A", "received": "2026-11-20", "working_days": 3, "due": "2026-11-26"},
        {"id": "B", "received": "2026-11-10", "working_days": 3, "due": "2026-11-13"},
        {
            "id": "C",
            "received": "2026-11-18",
            "working_days": 7,
            "due": "2026-11-30",
            "alarm_working_days": 3,
            "alarm": "2026-11-23",
        },
    ]
    open_file, directory = tmp_path / "open.json", tmp_path / "rules"
    open_file.write_text(json.dumps({"dossiers": dossiers}), "utf-8")
    directory.mkdir()
    before = answer("calendar", "--year", "2026", "--open", str(open_file), "--rules", str(directory))
    (directory / "calendar-override.toml").write_text('2026-11-23 = "off"\n', "utf-8")
    after = answer("calendar", "--year", "2026", "--open", str(open_file), "--rules", str(directory))

    assert before["moves"] == []
    assert set(after["off"]) - set(before["off"]) == {"2026-11-23"}
    assert after["moves"] == [
        {
            "id": "A",
            "due": {"before": "2026-11-26", "after": "2026-11-27"},
            "alarm": {"before": None, "after": None},
        },
        {
            "id": "C",
            "due": {"before": "2026-11-30", "after": "2026-12-01"},
            "alarm": {"before": "2026-11-23", "after": "2026-11-25"},
        },
    ]


def test_a_malformed_list_of_dossiers_is_named() -> None:
    """Exit 2, one sentence per field."""
    lines = {"dossiers": [{"id": "A", "received": "x", "working_days": 3, "due": "2026-11-26", "name": "B"}]}
    result = run("calendar", "--year", "2026", "--open", "-", stdin=json.dumps(lines))
    none = {"dossiers": [{"id": "A", "received": "2026-11-20", "working_days": 0, "due": "2026-11-26"}]}
    zero = run("calendar", "--year", "2026", "--open", "-", stdin=json.dumps(none))

    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["dossiers[0].name", "dossiers[0].received"]
    assert (zero.exit_code, zero.stderr.split(":")[0]) == (2, "dossiers[0].working_days")


def test_every_wrong_line_of_a_list_of_dossiers_is_named() -> None:
    """Numbers that are none, an alarm without its term, a term that no calendar reaches: each with its line."""
    good = {"id": "A", "received": "2026-11-20", "working_days": 3, "due": "2026-11-26"}
    wrong = [good | {"working_days": True, "due": 5}, good | {"alarm": "2026-11-23"}, good | {"alarm_working_days": 3}]
    result = run("calendar", "--year", "2026", "--open", "-", stdin=json.dumps({"dossiers": wrong}))
    far = {"dossiers": [good, good | {"received": "2100-01-01"}]}
    beyond = run("calendar", "--year", "2026", "--open", "-", stdin=json.dumps(far))

    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [
        "dossiers[0].due",
        "dossiers[0].working_days",
        "dossiers[1].alarm",
        "dossiers[2].alarm",
    ]
    assert "at least 1" in result.stderr.splitlines()[1]
    assert (beyond.exit_code, beyond.stderr.split(":")[0]) == (2, "dossiers[1].received")


def test_an_unusable_rules_directory_exits_1_with_a_sentence(tmp_path: Path) -> None:
    """The administrator's mistake is told apart from the auditor's."""
    (tmp_path / "calendar-override.toml").write_text('23/11/2026 = "off"\n', "utf-8")
    result = run("decide", "--rules", str(tmp_path), "--case", "-", stdin=EXAMPLE)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "calendar-override.toml" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_procedure() -> None:
    """Who handles ours at a former province after the merger."""
    out = answer(
        "procedure",
        "Cấp tài khoản định danh điện tử mức độ 02 cho người nước ngoài",
        "--place",
        "Sóc Trăng",
        "--on",
        "2025-08-01",
    )

    assert out["answers"][0]["outcome"] == "OURS"
    assert [one["office"] for one in out["answers"][0]["agencies"]][1].endswith("Công an thành phố Cần Thơ")
    assert [warning["code"] for warning in out["warnings"]] == ["PLACE_MERGED"]
    assert out["source"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Khóa, Mở khóa tài khoản định danh điện tử", ["new-province-2", "new-province-3"]),
        ("Khóa, Mở khóa căn cước điện tử", ["new-province-4", "new-province-5"]),
        (
            "Cấp, Thay đổi nội dung, Cấp lại Giấy xác nhận đủ điều kiện kinh doanh dịch vụ xác thực điện tử",
            ["amended-central-5", "amended-central-6", "amended-central-7"],
        ),
    ],
)
def test_a_text_of_the_annex_that_names_several_procedures_is_answered_for_each(text: str, rows: list[str]) -> None:
    """The annex lists locking and unlocking, and the certificates, in one line."""
    out = answer("procedure", text, "--place", "Hà Nội", "--on", "2025-08-01")
    found = [{one["row"] for one in each["agencies"]} for each in out["answers"]]

    assert len(found) == len(rows)
    assert all(row in each for row, each in zip(rows, found, strict=True))


@pytest.mark.parametrize(
    ("text", "place", "on", "fields"),
    [
        ("hộ chiếu phổ thông", "Hà Nội", "2025-08-01", ["procedure"]),
        ("Khóa căn cước điện tử", "Paris", "2025-08-01", ["place"]),
        ("hộ chiếu phổ thông", "Paris", "2025-08-01", ["procedure", "place"]),
        ("Khóa căn cước điện tử", "Hà Nội", "01/08/2025", ["on"]),
        ("hộ chiếu phổ thông", "Hà Nội", "01/08/2025", ["procedure", "on"]),
    ],
)
def test_procedure_malformed(text: str, place: str, on: str, fields: list[str]) -> None:
    """Each unknown part is one sentence."""
    result = run("procedure", text, "--place", place, "--on", on)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == fields


def test_the_centres_command_has_them() -> None:
    """`eid-central decide` and its sisters exist."""
    from central.__main__ import main

    assert {"decide", "due", "calendar", "procedure"} <= set(main.commands)
