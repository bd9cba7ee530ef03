"""The shared folders on a card that fails in places: one bad file stops nobody, a bad folder is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.errors import StorageFailed
from station.spool import Spool, Writer

NAME = "01KAGB9R000000000000000001"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "state")
    made.prepare(Writer.CAPTURE)
    made.prepare(Writer.LINK)
    return made


def test_one_unreadable_message_is_as_good_as_none(spool: Spool) -> None:
    """P4: a sector gone bad under a case, receipt or status must not stop either daemon; the centre sends it again.

    A bundle is another matter: nobody sends it again, so its reader is told.
    """
    for folder in ("inbox/case", "inbox/receipt", "inbox/status", "outbox"):
        (spool.state_dir / folder / f"{NAME}.cose").mkdir()
    for file in ("inbox/centre.cose", "inbox/link.json"):
        (spool.state_dir / file).mkdir()

    assert (spool.read_case(NAME), spool.read_receipt(NAME), spool.read_status(NAME)) == (None, None, None)
    assert (spool.read_centre_state(), spool.link_state()) == (None, None)
    with pytest.raises(StorageFailed):
        spool.read_bundle(NAME)


def test_outbox_that_cannot_be_listed_is_said_by_name(spool: Spool) -> None:
    """A card that fails is shown to the officer; an OSError nobody expects would only restart the daemon for ever."""
    (spool.outbox_dir / "request").rmdir()
    spool.outbox_dir.rmdir()
    spool.outbox_dir.write_bytes(b"")

    for look in (spool.outbox, spool.foreign):
        with pytest.raises(StorageFailed):
            look()
