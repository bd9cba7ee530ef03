"""Runs a test file in a process of its own, where a stand-in for libcamera lies under the unmodified picamera2.

The stand-in must never reach the test process: a module named `libcamera` there would mislead every later test.
Not a test file; loaded by path from the two that need it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

VARIABLE = "EID_CAMERA_RIG"
STANDIN = Path(__file__).with_name("standin")
ROOT = Path(__file__).parents[3]
DEADLINE_S = 170.0

inside = os.environ.get(VARIABLE) == "standin"
"""Whether this process is the child."""


@dataclass(frozen=True)
class Outcome:
    """Of one case in the child. `detail` is empty where it passed."""

    passed: bool
    detail: str


def why_not() -> str | None:
    """What is missing for the picamera2 suite, or None."""
    missing = [name for name in ("picamera2", "prctl", "pidng") if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    wants = []
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        wants.append("a C compiler (Debian: gcc)")
    if not any(Path(base, "sys/capability.h").exists() for base in ("/usr/include", "/usr/local/include")):
        wants.append("the libcap headers (Debian: libcap-dev)")
    needs = f"; first install {' and '.join(wants)}" if wants else ""
    return f"not installed: {', '.join(missing)} (pip install --require-hashes -r requirements/picamera2.lock{needs})"


def enter() -> None:
    """Puts the stand-in in place. Only in the child."""
    assert inside
    sys.path.insert(0, str(STANDIN))
    import libcamera

    assert libcamera.STANDIN, "another libcamera was imported before the stand-in"
    libcamera.install_allocator()


def outcomes(file: Path, report: Path) -> dict[str, Outcome]:
    """Every case of the file, by name without its class, as the child saw it."""
    command = [sys.executable, "-m", "pytest", str(file), "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    run = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, VARIABLE: "standin"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if not report.exists():
        raise AssertionError(f"the child ended with {run.returncode}:\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}")
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        troubles = [child for child in case if child.tag in ("failure", "error", "skipped")]
        detail = "\n".join(f"{child.get('message', '')}\n{child.text or ''}" for child in troubles)
        found[case.get("name", "")] = Outcome(not troubles, detail)
    return found


def demand(found: dict[str, Outcome], name: str) -> None:
    """Fails unless the case, with all its parameters, ran and passed."""
    cases = {case: outcome for case, outcome in found.items() if case == name or case.startswith(f"{name}[")}
    assert cases, f"{name} did not run in the child"
    for case, outcome in cases.items():
        assert outcome.passed, f"{case}\n{outcome.detail}"
