"""Every screen can be drawn: each text that a view can name stands in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.fingerprint.port import PressVerdict, Prompt
from models.face import pipeline
from station.workflow import capture_screens
from station.workflow.events import Part
from station.workflow.session import DOCUMENT_REASONS, SKIP_REASONS
from wire.bundle import Document, MatchVerdict
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState

ROOT = Path(__file__).parents[3]


def named() -> set[str]:
    """Keys written out in the workflow's sources, and those put together from enums."""
    keys: set[str] = set()
    for source in (ROOT / "station" / "workflow").glob("*.py"):
        found = re.findall(r'"((?:screen|notice|key|error|rules)\.[a-zA-Z_.]+)"', source.read_text("utf-8"))
        keys.update(found)
    keys.update(f"part.{part.value}.failed" for part in Part)
    keys.update(f"status.{state.value}" for state in CaseState)
    keys.update(f"finger.prompt.{prompt.value}" for prompt in Prompt)
    keys.update(f"finger.verdict.{verdict.value}" for verdict in PressVerdict)
    keys.update(f"finger.position.{position.key}" for position in FingerPosition)
    keys.update(f"finger.state.{state.value}" for state in SKIP_REASONS)
    guides = {*pipeline._SENTENCES.values(), "chin-up", "chin-down", "no-face", "camera-covered"}
    keys.update(f"face.guide.{guide}" for guide in guides | {"move-left", "move-right", "move-up", "move-down"})
    keys.update(f"finger.group.{group}" for group in capture_screens._GROUPS.values())
    keys.update(f"document.reason.{reason}" for reason in DOCUMENT_REASONS)
    keys.update(f"document.field.{field}" for field in set(Document.model_fields) - {"source", "mrz"})
    keys.update(f"notice.match.{verdict.value}" for verdict in MatchVerdict if verdict is not MatchVerdict.ACCEPT)
    page = (ROOT / "models" / "document" / "reader.py").read_text("utf-8")
    said = set(re.findall(r'"([a-z]+_[a-z]+|closer|farther|glare|straighten)"', page.split("def _guide")[1]))
    assert {"hold_still", "closer"} <= said
    keys.update(f"document.guide.{word}" for word in said | {"show_page"})
    keys.add("face.guide.passport")
    return keys


@pytest.mark.parametrize("key", sorted(named()))
def test_text_exists(key: str) -> None:
    """A missing sentence would stop the daemon before an officer."""
    assert key in bundled()
