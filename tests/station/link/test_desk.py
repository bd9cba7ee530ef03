"""The shared folders as the link works on them when the medium refuses: LINK-050."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from station import durable
from station.link import events as ev
from station.link.desk import Desk
from station.link.state import LinkState
from station.spool import Spool, Writer
from wire import envelope
from wire.envelope import EnvelopeType, Routing
from wire.keys import OpeningKey, SigningKey
from wire.messages import Receipt, Verdict

harness = sys.modules["eid_link_harness"]
bundle_id, link, until = harness.bundle_id, harness.link, harness.until
CENTRE = SigningKey.from_seed(bytes(32))
STATION = SigningKey.from_seed(bytes([1]) * 32)


@contextlib.contextmanager
def tiny_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """`folder` becomes a file system of this size; skips where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size_bytes}".encode()):
        pytest.skip(f"no right to mount a tmpfs here ({os.strerror(ctypes.get_errno())})")
    try:
        yield
    finally:
        libc.umount2(str(folder).encode(), 2)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "state")
    made.prepare(Writer.CAPTURE)
    return made


def desk_of(spool: Spool) -> Desk:
    desk = Desk(spool, "st-0001")
    desk.open((CENTRE.verifying_key,))
    return desk


def sealed(number: int) -> bytes:
    routing = Routing(EnvelopeType.BUNDLE, "st-0001", "centre", bundle_id(number))
    return envelope.seal(b"x", routing, [STATION], [OpeningKey(bytes(32)).sealing_key], os.urandom)


def receipt(number: int, verdict: Verdict = Verdict.STORED) -> Receipt:
    code = "content" if verdict is Verdict.REJECTED else None
    return Receipt(
        station_id="st-0001",
        bundle_id=bundle_id(number),
        envelope_sha256=bytes(32),
        verdict=verdict,
        code=code,
        at_ms=1_795_000_000_000,
    )


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Every write to the medium fails; removing works."""

    def write(*_: object, **__: object) -> None:
        raise durable.storage_error(OSError(number, "refused"), "inbox")

    monkeypatch.setattr(durable, "write", write)


def test_a_receipt_that_cannot_be_kept_still_frees_the_disk_and_is_kept_later(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-050: the bundle is safe at the centre; its bytes are what fills the disk."""
    desk = desk_of(spool)
    spool.put_bundle(bundle_id(1), sealed(1))
    with monkeypatch.context() as patch:
        refuse(patch, errno.ENOSPC)
        desk.keep(ev.KeepReceipt(receipt(1), b"receipt"), 0)
        desk.keep(ev.RemoveBundle(bundle_id(1)), 0)
        desk.retry()

        assert spool.outbox() == ()
        assert desk.fault is not None
        assert desk.fault.message_id == "error.spool.full"

    desk.retry()

    assert spool.read_receipt(bundle_id(1)) == b"receipt"
    assert desk.fault is None


def test_a_case_that_cannot_be_kept_stays_asked_for(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-050: if the process dies before there is room, the request brings the case again."""
    desk = desk_of(spool)
    spool.ask_for_case(bundle_id(7))
    with monkeypatch.context() as patch:
        refuse(patch, errno.ENOSPC)
        desk.keep(ev.KeepCase(bundle_id(7), b"case"), 0)
        desk.keep(ev.DropRequest(bundle_id(7)), 0)

        assert spool.requests() == (bundle_id(7),)

    desk.retry()

    assert spool.read_case(bundle_id(7)) == b"case"


def test_a_bundle_that_cannot_be_removed_is_not_sent_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-050: with its receipt at hand it is only waiting to be removed; else it would be sent for ever."""
    desk = desk_of(spool)
    spool.put_bundle(bundle_id(1), sealed(1))
    with monkeypatch.context() as patch:

        def unlink(*_: object) -> None:
            raise OSError(errno.EROFS, "read-only")

        patch.setattr(Path, "unlink", unlink)
        desk.keep(ev.RemoveBundle(bundle_id(1)), 0)

        assert desk.look(0) == [ev.Listed((), (), 0)]

    desk.retry()

    assert spool.outbox() == ()


def test_a_bundle_that_cannot_be_set_apart_is_not_sent_again(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-050: tried until the medium lets it move."""
    desk = desk_of(spool)
    spool.put_bundle(bundle_id(1), sealed(1))
    with monkeypatch.context() as patch:

        def rename(*_: object) -> None:
            raise OSError(errno.EIO, "bad")

        patch.setattr(os, "rename", rename)
        desk.keep(ev.SetApartBundle(bundle_id(1), "poison"), 5)

        assert desk.look(0) == [ev.Listed((), (), 0)]

    desk.retry()

    assert [(found.name, found.reason) for found in spool.quarantined()] == [(bundle_id(1), "poison")]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_bundle_that_cannot_be_read_is_unfit(spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """LINK-023: one bad sector, or one file of the wrong mode, stops nobody else."""
    desk = desk_of(spool)
    spool.put_bundle(bundle_id(1), sealed(1))
    spool.put_bundle(bundle_id(2), sealed(2))
    read = spool.read_bundle

    def bad_sector(name: str) -> bytes | None:
        if name == bundle_id(1):
            raise durable.storage_error(OSError(number, "bad"), "outbox")
        return read(name)

    monkeypatch.setattr(spool, "read_bundle", bad_sector)
    listed, unfit = desk.look(0)

    assert isinstance(listed, ev.Listed)
    assert [file.sha256 is not None for file in listed.files] == [False, True]
    assert unfit == ev.Unfit(bundle_id(1), "unreadable")


def test_a_bundle_changed_under_our_hands_is_not_sent_as_the_old_one(spool: Spool) -> None:
    """The receipt would be for other bytes than the brain expects."""
    desk = desk_of(spool)
    spool.put_bundle(bundle_id(1), sealed(1))
    desk.look(0)
    path = spool.outbox_dir / f"{bundle_id(1)}.cose"
    times = path.stat()
    path.write_bytes(sealed(1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert desk.read(bundle_id(1)) is None


def test_what_earlier_runs_kept_is_known_again(spool: Spool) -> None:
    """LINK-033, LINK-042: receipts without a final status are asked about; forged and torn files count for nothing."""
    for number, signer, verdict in (
        (1, CENTRE, Verdict.STORED),
        (2, STATION, Verdict.STORED),
        (3, CENTRE, Verdict.REJECTED),
    ):
        spool.put_receipt(bundle_id(number), receipt(number, verdict).signed(signer), 1)
    spool.put_receipt(bundle_id(4), b"torn", 1)
    spool.put_status(bundle_id(5), b"", 1)
    started = Desk(spool, "st-0001").open((CENTRE.verifying_key,))

    assert started.known == {bundle_id(1): ev.Known(0, False)}


def test_the_state_that_could_not_be_written_is_written_later(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-050: and only the newest one."""
    desk = desk_of(spool)
    with monkeypatch.context() as patch:
        refuse(patch, errno.ENOSPC)
        desk.keep(ev.Report(LinkState(connected=False, since_ms=1)), 0)
        desk.keep(ev.Report(LinkState(connected=True, since_ms=2)), 0)
    desk.retry()

    assert spool.link_state() == LinkState(connected=True, since_ms=2)


def test_a_full_disk_is_emptied_by_the_link(site: Any, centre: Any) -> None:
    """LINK-050 with a real full disk and a real broker: everything leaves, receipts are kept once there is room."""
    site.state_dir.rename(site.root / "before")
    with tiny_disk(site.state_dir, 600_000):
        site.spool.prepare(Writer.CAPTURE)
        site.spool.prepare(Writer.LINK)
        for number in range(5):
            site.put(number, 100_000)
        filler = site.state_dir / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass

        assert site.spool.free_bytes() == 0

        with link(site.config()) as running:
            until(lambda: not site.outbox(), "the outbox to empty")
            until(lambda: len(site.spool.receipts()) == 5, "the receipts")

        assert len(centre.stored) == 5
        assert site.quarantined() == {}
        assert any(event.get("error") == "error.spool.full" for event in running.events())


def test_foreign_file_that_cannot_be_moved_holds_up_nothing(spool: Spool) -> None:
    """P4: the bundles beside it are listed, the next foreign file is set apart, and the medium's refusal is shown."""
    stuck, other = "Nguyen.jpg", "other.jpg"
    for name in (stuck, other):
        (spool.outbox_dir / name).write_bytes(b"x")
    desk = desk_of(spool)
    in_the_way = "foreign-" + hashlib.sha256(stuck.encode()).hexdigest()[:16]
    (spool.state_dir / "quarantine" / f"{in_the_way}.cose" / "full").mkdir(parents=True)
    spool.put_bundle(bundle_id(1), sealed(1))

    found = desk.look(0)

    (listed,) = [event for event in found if isinstance(event, ev.Listed)]
    assert [file.bundle_id for file in listed.files] == [bundle_id(1)]
    assert spool.foreign() == (stuck,)
    assert desk.fault is not None
