"""The folders the two daemons share: whole or absent, in order, never lost, never a crash."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station import durable
from station.errors import StorageDenied, StorageFailed, StorageFull, StorageReadOnly
from station.link.state import Fault, LinkState
from station.room import Limit, OutboxFile, RoomPolicy, bundled_policy, room, ulid_ms
from station.spool import Quarantined, Spool, Writer
from wire.catalogue import bundled
from wire.envelope import MAX_ENVELOPE_BYTES

DAY_MS = 86_400_000


def ulid(number: int) -> str:
    return f"01KAGB9R00{number:016d}"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "state")
    made.prepare(Writer.CAPTURE)
    made.prepare(Writer.LINK)
    return made


@contextlib.contextmanager
def tiny_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A file system of this size; skips where mounting is not allowed."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size_bytes}".encode()):
        pytest.skip(f"no right to mount a tmpfs here ({os.strerror(ctypes.get_errno())})")
    try:
        yield folder
    finally:
        libc.umount2(str(folder).encode(), 2)


class TestDurableWrites:
    def test_modes_hold_whatever_the_umask(self, tmp_path: Path) -> None:
        """Two users of one group share the folders: 2770 and 0640, set explicitly."""
        old = os.umask(0o077)
        try:
            spool = Spool(tmp_path / "state")
            spool.prepare(Writer.CAPTURE)
            spool.put_bundle(ulid(1), b"x")
        finally:
            os.umask(old)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in spool.state_dir.rglob("*") if path.is_dir()}

        assert modes == {0o2770}
        assert stat.S_IMODE((spool.outbox_dir / f"{ulid(1)}.cose").stat().st_mode) == 0o640

    def test_data_and_directory_are_synced_before_it_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """fsync(file), rename, fsync(directory), in this order: rename alone is atomic but not durable."""
        calls: list[str] = []
        fsync, replace = os.fsync, os.replace
        kind = {True: "sync directory", False: "sync file"}

        def watched_sync(descriptor: int) -> None:
            calls.append(kind[stat.S_ISDIR(os.fstat(descriptor).st_mode)])
            fsync(descriptor)

        def watched_replace(source: Path, target: Path) -> None:
            calls.append("rename")
            replace(source, target)

        monkeypatch.setattr(os, "fsync", watched_sync)
        monkeypatch.setattr(os, "replace", watched_replace)
        durable.write(tmp_path / "file", b"x")

        assert calls == ["sync file", "rename", "sync directory"]

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.ENOSPC, StorageFull),
            (errno.EDQUOT, StorageFull),
            (errno.EROFS, StorageReadOnly),
            (errno.EACCES, StorageDenied),
            (errno.EIO, StorageFailed),
        ],
    )
    @pytest.mark.parametrize("call", ["write", "fsync", "replace"])
    def test_each_refusal_has_its_sentence_and_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception], call: str
    ) -> None:
        """The system call is made to fail; the officer reads what to do."""
        path = tmp_path / "outbox"
        durable.write(path, b"old")

        def refuse(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            with pytest.raises(expected) as caught:
                durable.write(path, b"new")

        assert path.read_bytes() == b"old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["outbox"]
        assert errno.errorcode[number] in bundled().of_error(caught.value).vi  # type: ignore[arg-type]

    def test_killed_at_any_moment_a_file_is_whole_or_absent(self, tmp_path: Path) -> None:
        """kill -9 between any two system calls of a write; what is left is cleared at the next start."""
        script = (
            "import os, signal, sys; from pathlib import Path; from station import durable; n = int(sys.argv[2])\n"
            "def count(event, args):\n"
            "    global n\n"
            "    if event in ('open', 'os.rename', 'os.remove', 'os.chmod', 'os.utime'):\n"
            "        n -= 1\n"
            "        if n == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
            "sys.addaudithook(count)\n"
            "durable.write(Path(sys.argv[1]), b'new' * 1000, modified_ms=1)\n"
        )
        spool = Spool(tmp_path)
        spool.prepare(Writer.CAPTURE)
        path = spool.outbox_dir / f"{ulid(1)}.cose"
        ended, seen = -9, set()
        for moment in range(1, 20):
            path.write_bytes(b"old")
            ended = subprocess.run([sys.executable, "-c", script, str(path), str(moment)], check=False).returncode
            seen.add(path.read_bytes())

            assert seen <= {b"old", b"new" * 1000}

            if ended == 0:
                break
        spool.prepare(Writer.CAPTURE)

        assert ended == 0, "every moment was tried"
        assert len(seen) == 2
        assert sorted(entry.name for entry in spool.outbox_dir.iterdir()) == [path.name, "request"]

    def test_each_writer_clears_only_its_own_unfinished_files(self, spool: Spool) -> None:
        """The other daemon may be in the middle of writing."""
        captures = spool.outbox_dir / f"{ulid(1)}.cose.tmp"
        links = spool.state_dir / "inbox/case" / f"{ulid(2)}.cose.tmp"
        captures.write_bytes(b"")
        links.write_bytes(b"")
        spool.prepare(Writer.LINK)

        assert captures.exists()
        assert not links.exists()

        spool.prepare(Writer.CAPTURE)

        assert not captures.exists()


class TestFullDisk:
    def test_a_full_disk_refuses_the_new_and_keeps_the_old(self, tmp_path: Path) -> None:
        """P1: no half file, no lost file, and room again once one has left."""
        with tiny_disk(tmp_path / "disk", 900_000) as disk:
            spool = Spool(disk)
            spool.prepare(Writer.CAPTURE)
            for number in range(4):
                spool.put_bundle(ulid(number), bytes(200_000))
            with pytest.raises(StorageFull) as caught:
                spool.put_bundle(ulid(4), bytes(200_000))
            kept = spool.outbox()

            assert "Thẻ nhớ đã đầy" in bundled().of_error(caught.value).vi
            assert len(kept) == 4
            assert {file.size_bytes for file in kept} == {200_000}
            assert not list(spool.outbox_dir.glob("*.tmp"))

            spool.remove_bundle(ulid(0))

            assert spool.put_bundle(ulid(99), bytes(200_000))

    def test_quarantine_works_on_a_full_disk(self, tmp_path: Path) -> None:
        """LINK-002: a poisonous bundle must leave the outbox even when its note cannot be written."""
        with tiny_disk(tmp_path / "disk", 300_000) as disk:
            spool = Spool(disk)
            spool.prepare(Writer.LINK)
            spool.put_bundle(ulid(1), bytes(100_000))
            with contextlib.suppress(StorageFull):
                for number in range(99):
                    spool.put_case(ulid(number), bytes(4096))
            spool.quarantine(ulid(1), "poison", 5)

            assert spool.outbox() == ()
            assert spool.quarantined() == (Quarantined(ulid(1), "unknown", 0),)

    def test_a_read_only_medium_is_named(self, tmp_path: Path) -> None:
        with tiny_disk(tmp_path / "disk", 1_000_000) as disk:
            spool = Spool(disk)
            spool.prepare(Writer.CAPTURE)
            libc = ctypes.CDLL(None, use_errno=True)

            assert libc.mount(b"none", str(disk).encode(), None, 32 | 1, None) == 0

            with pytest.raises(StorageReadOnly):
                spool.put_bundle(ulid(1), b"x")


class TestOutbox:
    def test_the_oldest_comes_first(self, spool: Spool) -> None:
        for number in (3, 1, 2):
            spool.put_bundle(ulid(number), bytes(number))

        assert [(file.bundle_id, file.size_bytes) for file in spool.outbox()] == [
            (ulid(1), 1),
            (ulid(2), 2),
            (ulid(3), 3),
        ]

    def test_the_first_sealing_of_a_bundle_counts(self, spool: Spool) -> None:
        """Sealed again after a crash, the bytes differ; the first may already be at the centre."""
        assert spool.put_bundle(ulid(1), b"first")
        assert not spool.put_bundle(ulid(1), b"second")
        assert spool.read_bundle(ulid(1)) == b"first"

        spool.put_receipt(ulid(1), b"receipt", 1)
        spool.remove_bundle(ulid(1))

        assert not spool.put_bundle(ulid(1), b"third")
        assert spool.outbox() == ()

    def test_files_of_nobody_are_named_foreign_and_set_apart_without_their_names(self, spool: Spool) -> None:
        """A file name may be a person's; quarantine gives it one of ours."""
        (spool.outbox_dir / "Nguyễn Văn A.pdf").write_bytes(b"x")
        (spool.outbox_dir / f"{ulid(1)}.cose.tmp").write_bytes(b"x")
        (spool.outbox_dir / f"{ulid(2)}.cose").mkdir()
        spool.put_bundle(ulid(3), b"x")

        assert spool.foreign() == (f"{ulid(2)}.cose", "Nguyễn Văn A.pdf")

        for name in spool.foreign():
            spool.quarantine_foreign(name, 7)

        assert spool.foreign() == ()
        assert [found.reason for found in spool.quarantined()] == ["foreign_file", "foreign_file"]
        assert not any("Nguy" in path.name for path in spool.state_dir.rglob("*"))

    def test_a_quarantined_bundle_can_be_released(self, spool: Spool) -> None:
        spool.put_bundle(ulid(1), b"x")
        spool.quarantine(ulid(1), "rejected.content", 9)

        assert spool.quarantined() == (Quarantined(ulid(1), "rejected.content", 9),)
        assert spool.has_bundle(ulid(1))
        assert spool.release(ulid(1))
        assert spool.quarantined() == ()
        assert spool.read_bundle(ulid(1)) == b"x"
        assert not spool.release(ulid(1))
        assert list((spool.state_dir / "quarantine").iterdir()) == []

    @settings(max_examples=25, deadline=None)
    @given(note=st.binary(max_size=200))
    def test_a_torn_note_reads_unknown(self, note: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
        spool = Spool(tmp_path_factory.mktemp("torn"))
        spool.prepare(Writer.LINK)
        spool.put_bundle(ulid(1), b"x")
        spool.quarantine(ulid(1), "poison", 1)
        (spool.state_dir / "quarantine" / f"{ulid(1)}.json").write_bytes(note)

        assert len(spool.quarantined()) == 1
        assert spool.link_state() is None

    @pytest.mark.parametrize("name", ["../../etc/passwd", "", "01KAGB9R", "x" * 26, "01KAGB9R000000000000000001/.."])
    def test_only_ids_become_file_names(self, spool: Spool, name: str) -> None:
        """Ids come from messages; a path must not."""
        for call in (
            lambda: spool.put_bundle(name, b""),
            lambda: spool.put_case(name, b""),
            lambda: spool.quarantine(name, "x", 1),
            lambda: spool.read_receipt(name),
            lambda: spool.ask_for_case(name),
        ):
            with pytest.raises(ValueError, match="not a ULID"):
                call()

    def test_reading_is_bounded(self, spool: Spool) -> None:
        """A giant file costs no more memory than the largest envelope."""
        (spool.outbox_dir / f"{ulid(1)}.cose").write_bytes(bytes(MAX_ENVELOPE_BYTES + 5000))
        data = spool.read_bundle(ulid(1))

        assert data is not None
        assert len(data) == MAX_ENVELOPE_BYTES + 1

    def test_requests_come_and_go(self, spool: Spool) -> None:
        spool.ask_for_case(ulid(1))
        spool.ask_for_case(ulid(1))
        (spool.outbox_dir / "request/foreign").write_bytes(b"")

        assert spool.requests() == (ulid(1),)
        assert spool.withdraw_request(ulid(1))
        assert not spool.withdraw_request(ulid(1))
        assert spool.foreign() == ()


class TestInbox:
    def test_receipts_and_statuses_are_kept_by_the_centres_time(self, spool: Spool) -> None:
        """LINK-052: 30 days after the centre signed them, whatever the station's clock said when they came."""
        for number, age_days in ((1, 29), (2, 31)):
            at_ms = 1_800_000_000_000 - age_days * DAY_MS
            spool.put_receipt(ulid(number), b"r", at_ms)
            spool.put_status(ulid(number), b"s", at_ms)

        assert spool.prune(1_800_000_000_000, 30) == 2
        assert spool.receipts() == spool.statuses() == (ulid(1),)
        assert spool.prune(0, 30) == 0

    def test_the_links_state_is_read_back(self, spool: Spool) -> None:
        fault = Fault(message_id="error.link.unreachable", params={"host": "h", "port": 1})
        state = LinkState(connected=False, since_ms=5, last_error=fault)
        spool.put_link_state(state)

        assert spool.link_state() == state

    def test_the_lock_tells_whether_a_link_runs(self, spool: Spool) -> None:
        """LINK-053: held by the process, so it dies with it, also by kill -9."""
        script = "import sys; from pathlib import Path; from station.spool import Spool\n"
        script += "print(Spool(Path(sys.argv[1])).claim(), flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", script, str(spool.state_dir)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"True\n"
            assert spool.link_running()
            assert not spool.claim()

            other.kill()
            other.wait(20)

        assert not spool.link_running()
        assert spool.claim()
        spool.release_claim()


class TestRoom:
    def file(self, at_ms: int, size_bytes: int = 10) -> OutboxFile:
        text = ""
        for _ in range(10):
            text = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[at_ms % 32] + text
            at_ms //= 32
        return OutboxFile(text + "0" * 16, size_bytes, 0)

    def policy(self) -> RoomPolicy:
        return bundled_policy()

    def test_an_empty_outbox_has_room(self) -> None:
        assert room(self.policy(), [], 10**12, 0).has_room

    def test_each_limit_stops_new_captures(self) -> None:
        """DESIGN: a full outbox says so and drops nothing; what is full is named."""
        policy, limits = self.policy(), self.policy().outbox
        now_ms = 1_800_000_000_000
        young = self.file(now_ms)
        old = self.file(now_ms - limits.max_age_days * DAY_MS)

        assert room(policy, [young] * limits.max_bundles, 10**12, now_ms).full == (Limit.BUNDLES,)
        assert room(policy, [self.file(now_ms, limits.max_bytes)], 10**12, now_ms).full == (Limit.BYTES,)
        assert room(policy, [young, old], 10**12, now_ms).full == (Limit.AGE,)
        assert room(policy, [young], limits.min_free_bytes - 1, now_ms).full == (Limit.FREE,)
        assert room(policy, [young] * (limits.max_bundles - 1), limits.min_free_bytes, now_ms).has_room

    def test_a_capture_made_with_the_clock_in_1970_has_no_age(self) -> None:
        """A wrong clock must not stop the next person."""
        assert room(self.policy(), [self.file(5000)], 10**12, 1_800_000_000_000).oldest_days == 0
        assert room(self.policy(), [self.file(1_800_000_000_000)], 10**12, 0).oldest_days == 0

    @given(st.integers(0, (1 << 48) - 1))
    def test_the_time_of_a_ulid_is_read_back(self, at_ms: int) -> None:
        assert ulid_ms(self.file(at_ms).bundle_id) == at_ms

    def test_the_spool_measures_itself(self, spool: Spool) -> None:
        spool.put_bundle(ulid(1), bytes(1234))
        found = spool.room(self.policy(), 1_800_000_000_000)

        assert (found.bundles, found.size_bytes) == (1, 1234)
        assert found.free_bytes == spool.free_bytes() > 0
