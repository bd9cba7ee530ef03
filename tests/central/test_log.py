"""P2 in the logs: codes and identifiers, one JSON object a line; a foreign exception's text never."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from central import log
from central.errors import StationUnknown

NAME = "KIM MẪU"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was; each test sets up its own, after the capture of stderr has begun."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_event_is_one_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With worker, process and level."""
    log.set_up("test")
    log.event("bundle_stored", station="st-0001", bundle="b")

    (line,) = _lines(capsys)
    assert (line["event"], line["station"], line["worker"], line["level"]) == (
        "bundle_stored",
        "st-0001",
        "test",
        "info",
    )


def test_foreign_exception_is_named_by_class_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Libraries repeat their input in their messages."""
    log.set_up("test")
    try:
        int(NAME)
    except ValueError as error:
        log.failure("job_failed", error, job=1)

    (line,) = _lines(capsys)
    assert line["error"] == "ValueError"
    assert "test_log.py" in str(line["where"])
    assert NAME not in json.dumps(line, ensure_ascii=False)


def test_own_exception_is_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """Its parameters hold no personal data by the rule of the tree."""
    log.set_up("test")
    log.failure("message_failed", StationUnknown(station="st-9"))

    assert _lines(capsys)[0]["error"] == "error.central.station_unknown(station=st-9)"


def test_uncaught_exception_leaves_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """The last word of a worker that dies."""
    log.set_up("test")
    error = ValueError(NAME)
    sys.excepthook(ValueError, error, None)

    said = capsys.readouterr().err
    assert json.loads(said)["event"] == "uncaught"
    assert NAME not in said


def test_record_of_a_library_is_reduced_to_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it wanted to say."""
    log.set_up("test")
    logging.getLogger("some.library").warning("refused %s", NAME)

    said = capsys.readouterr().err
    assert json.loads(said)["logger"] == "some.library"
    assert NAME not in said
