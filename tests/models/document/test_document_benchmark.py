from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.bench
def test_the_benchmark_prints_its_tables(font: Path) -> None:
    """It runs and prints; numbers are never asserted."""
    chosen = ["--documents", "1", "--persons", "0", "--forms", "TD3", "--widths", "1280", "--levels", "L0"]
    command = [sys.executable, str(ROOT / "benchmarks" / "document.py"), *chosen]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    for wanted in ("TD3 1280x720 L0", "accepted", "frames", "no page 1280x720"):
        assert wanted in done.stdout
