"""`make demo` as its user runs it: the exit status tells, the summary stands, the keyboard works as front panel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioning.broker import find_mosquitto
from wire.errors import EidError

ROOT = Path(__file__).parents[2]
DEADLINE_S = 170


@pytest.fixture
def demo(tmp_path: Path, portrait: Path) -> list[str]:
    """The command, its artefacts kept out of the checkout."""
    try:
        find_mosquitto()
    except EidError:
        pytest.skip("mosquitto is not installed; make setup unpacks it")
    output = str(tmp_path / "demo-output")
    return [sys.executable, "-m", "tests.system.demo", "--output", output, "--portrait", str(portrait)]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_the_keyboard_is_the_front_panel(demo: list[str], tmp_path: Path) -> None:
    """`--interactive`: after the first case a second one is registered, shown and opened by keys; `q` ends.

    The first case ran before, so this is also the demo's main job: exit status 0 says that all was as it should be.
    """
    printed = tmp_path / "printed.txt"
    with (
        printed.open("wb") as out,
        subprocess.Popen([*demo, "--interactive"], cwd=ROOT, stdin=subprocess.PIPE, stdout=out, stderr=out) as process,
    ):
        assert process.stdin is not None
        try:
            wait_for(process, printed, "q  end")
            process.stdin.write(b"n")
            process.stdin.flush()
            wait_for(process, printed, "case.chosen", times=2)
            process.stdin.write(b"bq")
            process.stdin.flush()
            wait_for(process, printed, "artefacts:")
            status = process.wait(60)
        finally:
            process.terminate()
    seen = plain(printed.read_text("utf-8"))

    assert status == 0, seen[-2000:]
    assert "  NO   " not in seen
    assert (tmp_path / "demo-output" / "opened" / "portrait.jpg").exists()


def wait_for(process: subprocess.Popen[bytes], printed: Path, text: str, times: int = 1) -> None:
    """Until `text` stands there so often; raises with the end of the output otherwise."""
    deadline = time.monotonic() + DEADLINE_S
    while (seen := printed.read_text("utf-8", "replace")).count(text) < times:
        if time.monotonic() > deadline or process.poll() not in (None, 0):
            raise AssertionError(f"no {text!r} in time:\n{plain(seen)[-2000:]}")
        time.sleep(0.1)


def test_a_portrait_that_is_not_there_is_a_sentence(demo: list[str]) -> None:
    """Exit status 2, nothing started."""
    done = subprocess.run(
        [*demo[:-1], "/nowhere/face.jpg"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert "no picture" in plain(done.stdout)


def test_missing_models_name_file_hash_and_origin(demo: list[str], tmp_path: Path) -> None:
    """The demo stops before anything starts."""
    program = (
        "import sys, models.store as s, models.fetch as f, pathlib\n"
        f"s.SHARED = pathlib.Path({str(tmp_path / 'none')!r})\n"
        "import tests.system.demo as d\n"
        "from models.errors import ModelMissing\n"
        "def gone(store):\n"
        "    entry = store.needed()[0]\n"
        "    raise ModelMissing(file=entry.file, sha256=entry.sha256, origin=entry.origin)\n"
        "d.fetch = gone\n"
        "sys.argv = ['demo']\n"
        "sys.exit(d.main())\n"
    )
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    told = plain(done.stdout).replace("\n", "")

    assert done.returncode == 78
    assert re.search(r"[0-9a-f]{64}", told)
    assert "https://" in told
