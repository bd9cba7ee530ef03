"""The draft: survives the process, not the power; nothing readable on any disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.capture.draft import Draft, filesystem
from station.errors import DraftUnreadable, RuntimeDirNotMemory
from station.workflow.session import Session
from tests.station.workflow.conftest import BUNDLE, at, make_case, make_portrait


def session() -> Session:
    return Session(bundle_id=BUNDLE, officer_id="CB01", case=make_case(), started=at(0), portrait=make_portrait())


def make(state_dir: Path, runtime_dir: Path, station_id: str = "st-0001") -> Draft:
    draft = Draft(state_dir, runtime_dir, station_id)
    draft.open()
    return draft


def test_survives_the_process(tmp_path: Path, runtime_dir: Path) -> None:
    """P1: a new process finds the session."""
    make(tmp_path, runtime_dir).save(session())

    assert make(tmp_path, runtime_dir).load() == session()


def test_nothing_readable_lies_on_the_disk(tmp_path: Path, runtime_dir: Path) -> None:
    """P2: no name, no number, no picture in the state directory."""
    make(tmp_path, runtime_dir).save(session())
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert stored
    for secret in ("MẪU".encode(), b"M00000000", b"\xff\xd8\xff", b"right_index"):
        assert secret not in stored


def test_is_lost_with_the_power(tmp_path: Path, runtime_dir: Path) -> None:
    """The key was in memory; what is left cannot be read by anybody, and says so."""
    draft = make(tmp_path, runtime_dir)
    draft.save(session())
    (runtime_dir / "draft.key").unlink()

    with pytest.raises(DraftUnreadable):
        make(tmp_path, runtime_dir).load()


def test_erase_leaves_neither_key_nor_file(tmp_path: Path, runtime_dir: Path) -> None:
    """At the end of the session."""
    draft = make(tmp_path, runtime_dir)
    draft.save(session())
    draft.erase()

    assert make(tmp_path, runtime_dir).load() is None
    assert list(runtime_dir.iterdir()) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("offset", [0, 11, 12, 40, -1])
def test_changed_draft_is_refused(tmp_path: Path, runtime_dir: Path, offset: int) -> None:
    """One flipped bit anywhere: unreadable, never a different session."""
    make(tmp_path, runtime_dir).save(session())
    file = tmp_path / "draft" / "session.bin"
    data = bytearray(file.read_bytes())
    data[offset] ^= 1
    file.write_bytes(data)

    with pytest.raises(DraftUnreadable):
        make(tmp_path, runtime_dir).load()


def test_draft_of_another_station_is_refused(tmp_path: Path, runtime_dir: Path) -> None:
    """The station's id is bound in."""
    make(tmp_path, runtime_dir).save(session())

    with pytest.raises(DraftUnreadable):
        make(tmp_path, runtime_dir, "st-0002").load()


def test_key_never_goes_to_a_disk(tmp_path: Path) -> None:
    """A runtime directory on a disk stops the daemon."""
    if filesystem(tmp_path) in ("tmpfs", "ramfs"):
        pytest.skip("this machine's temporary directory is itself in memory")
    with pytest.raises(RuntimeDirNotMemory):
        Draft(tmp_path / "state", tmp_path / "run", "st-0001").open()


def test_files_are_private(tmp_path: Path, runtime_dir: Path) -> None:
    """0600 for key and ciphertext."""
    make(tmp_path, runtime_dir).save(session())

    assert (runtime_dir / "draft.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "draft" / "session.bin").stat().st_mode & 0o777 == 0o600
