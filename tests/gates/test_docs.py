"""The documents are true where a machine can tell: files, functions and threads they name exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OVERVIEW = ROOT / "docs" / "CODE_OVERVIEW.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


def named_places() -> list[tuple[str, str]]:
    """Every `file.py:name` of the overview."""
    return sorted(set(re.findall(r"`([\w/]+\.py):([\w.]+)`", OVERVIEW.read_text("utf-8"))))


@pytest.mark.parametrize(("file", "name"), named_places())
def test_the_overview_names_real_places(file: str, name: str) -> None:
    """A reviewer finds every step where the page says."""
    sources = [ROOT / path for path in tracked() if path == file or path.endswith(f"/{file}")]
    wanted = name.split(".")[-1]
    holding = [path for path in sources if re.search(rf"^\s*(def|class) {wanted}\b", path.read_text("utf-8"), re.M)]

    assert sources, f"{file} does not exist"
    assert holding, f"{file} has no {name}"


def test_the_overview_has_enough_to_check() -> None:
    """The pattern above still finds the page's places."""
    assert len(named_places()) >= 25


@pytest.mark.parametrize(
    "thread", ["camera", "finger", "display", "storage", "panel-lights", "display-bus", "link-connect"]
)
def test_the_overview_names_real_threads(thread: str) -> None:
    """Every thread by name."""
    code = "\n".join(
        (ROOT / path).read_text("utf-8")
        for path in tracked()
        if path.endswith(".py") and path.split("/")[0] in ("station", "drivers")
    )

    assert f"`{thread}`" in OVERVIEW.read_text("utf-8")
    assert f'"{thread}"' in code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Relative links of every page."""
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text("utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []
