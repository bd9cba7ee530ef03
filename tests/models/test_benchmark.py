from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.store import ModelStore

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.bench
def test_the_face_benchmark_prints_every_stage(faces_folder: Path) -> None:
    """It runs and prints; times are never asserted."""
    absent = ModelStore.standard(demo=True).needed()
    if absent:
        pytest.skip(f"not on this machine: {absent[0].file}")
    command = [sys.executable, str(ROOT / "benchmarks" / "face.py"), "--rounds", "2"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    stages = ("landmarks", "quality", "ratio", "crop and JPEG")
    for wanted in ("guidance 640x360", "portrait 2304x1296", *stages, "RSS", "by threads"):
        assert wanted in done.stdout
