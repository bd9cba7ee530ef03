"""Every rule of docs/link.md has a test that names it, and no test names a rule that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_rules_and_tests_name_each_other() -> None:
    """Named in a docstring, a comment, or as test_link_NNN."""
    written = set(re.findall(r"\*\*(LINK-\d{3})\*\*", (ROOT / "docs/link.md").read_text("utf-8")))
    tested: set[str] = set()
    for path in [*ROOT.glob("tests/station/link/test_*.py"), ROOT / "tests/station/test_spool.py"]:
        text = path.read_text("utf-8").replace("test_link_", "LINK-")
        tested |= {f"LINK-{number}" for number in re.findall(r"LINK-(\d{3})", text)}

    assert written == tested
    assert len(written) > 30
