"""A machine that has no embedding model for stations still plays a whole case, and says with what."""

from __future__ import annotations

import json
from pathlib import Path

from models.face.pipeline import DETECTOR, LANDMARKS
from models.store import ModelStore
from tests.station.workflow.conftest import DOSSIER, make_case
from tests.system.conftest import LoneMaker, desk_of

DEMO = "demo-embedding"


def test_a_case_is_captured_with_the_demo_embedding(lone: LoneMaker, portrait: Path, short_dir: Path) -> None:
    """Log and bundle name the model, its weights and the policy that has its thresholds."""
    folder = short_dir / "models"
    folder.mkdir()
    store = ModelStore.standard(demo=True)
    for model_id in (DETECTOR, LANDMARKS):
        found = store.read(model_id)
        (folder / found.entry.file).write_bytes(found.content)
    station = lone(settings={"models": {"stores": [str(folder)]}})
    station.put_case(make_case())
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        desk.enrol(DOSSIER)
    bundle = station.bundle()
    written = station.rig.capture.log.read_text("utf-8").splitlines()
    warned = [json.loads(line) for line in written if '"models.demo"' in line]

    assert [(line["level"], line["embedding"]) for line in warned] == [("warning", DEMO)]
    assert DEMO in bundle.models
    assert bundle.models[DEMO].hex() == store.manifest.entry(DEMO).weights_sha256
    assert "face-reidentification-retail-0095" not in bundle.models
    assert bundle.policies["match"] == "demo-match-2026-11"
    assert bundle.portrait is not None
    assert bundle.portrait.embedding is not None
    assert bundle.portrait.embedding.model_id == DEMO
