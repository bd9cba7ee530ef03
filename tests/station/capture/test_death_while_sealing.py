"""P1: the process dies before each single file operation from the officer's confirmation to the end of the session."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from station.workflow.effects import EraseDraft, SaveDraft, Seal
from station.workflow.events import DraftRestored
from tests.station.capture.storage import Station, confirmed
from tests.station.workflow.conftest import BUNDLE, DOSSIER

_OPERATIONS = {"open", "os.rename", "os.remove", "os.chmod"}
_DIED = 9
_ALL = 40
"""More than there are."""


def die_before(operation: int) -> None:
    """From now on the process ends without any clearing up before its n-th file operation."""
    seen = 0

    def hook(event: str, _arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event in _OPERATIONS:
            seen += 1
            if seen > operation:
                os._exit(_DIED)

    sys.addaudithook(hook)


def confirm_until(station: Station, operation: int) -> bool:
    """What the storage thread does after the confirmation, in a process of its own; whether it came to the end."""
    child = os.fork()
    if child == 0:
        die_before(operation)
        for command in (SaveDraft(confirmed()), Seal(confirmed()), EraseDraft()):
            station.worker._guarded(command)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child ends in os._exit and starts no thread
@pytest.mark.parametrize("operation", range(_ALL))
def test_death_before_each_operation_loses_nothing_and_doubles_nothing(station: Station, operation: int) -> None:
    """The next process finds the session confirmed, as it was before, or sealed; at the end there is one bundle."""
    before = confirmed().model_copy(update={"confirmed": None})
    station.put_case()
    station.parts.draft.save(before)
    came_to_the_end = confirm_until(station, operation)
    found = station.again().restore()

    if found is None:
        assert station.worker._parts.ledger.captured(DOSSIER)
    else:
        assert isinstance(found, DraftRestored)
        assert found.session in (before, confirmed())
        assert found.sealed == station.parts.spool.has_bundle(BUNDLE)
    assert found is None or not came_to_the_end
    sealed_then = station.parts.spool.read_bundle(BUNDLE)
    station.worker._guarded(Seal(confirmed()))
    station.worker._guarded(EraseDraft())

    assert [file.bundle_id for file in station.parts.spool.outbox()] == [BUNDLE]
    assert sealed_then is None or station.parts.spool.read_bundle(BUNDLE) == sealed_then
    assert station.worker._parts.ledger.captured(DOSSIER)
    assert station.again().restore() is None


def test_all_operations_are_covered(station: Station) -> None:
    """The first one is died before, the last number lies behind the end."""
    assert not confirm_until(station, 0)
    assert confirm_until(station, _ALL - 1)
