"""No date, age, day count or text of the procedure is a constant in code, and the rules are pure."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from wire.rules import load_rules
from wire.rules.fact_types import FACT_TYPES

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "wire" / "rules").glob("*.py"))
SHELL_NAMES = (
    "cli_rules.py",
    "cli_moves.py",
    "moves.py",
    "cli_receipt.py",
    "receipt.py",
    "eligibility.py",
    "numbers.py",
)
FILES = [*MODULES, *(ROOT / "central" / name for name in SHELL_NAMES)]
SHELLS = {"loader.py"}
FORMAT_NUMBERS = {
    "case.py": {2, 3, 4},  # an MRZ has two or three lines
    "calendars.py": {16},  # years kept in a cache
    "data_files.py": {7},  # ISO 8601 number of Sunday
    "cli_rules.py": {2},  # exit status of malformed input
    "cli_receipt.py": {26},  # characters of a dossier's number
    "receipt.py": {2, 4, 6, 8, 9, 11, 15, 16, 45},  # millimetres, points and modules on the page
}
"""Numbers above one that are no policy; mrz.py holds the columns of ICAO Doc 9303 and is not searched."""
IMPURE = {"os", "time", "random", "socket", "secrets", "subprocess", "threading", "asyncio", "sys", "io", "shutil"}


def nodes(path: Path) -> Iterator[ast.AST]:
    """All nodes but docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    doc = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                doc.add(id(statement.value))
    yield from (node for node in ast.walk(tree) if id(node) not in doc)


def constants(path: Path, kind: type) -> set[object]:
    """All literals of a type."""
    return {node.value for node in nodes(path) if isinstance(node, ast.Constant) and type(node.value) is kind}


@pytest.mark.parametrize("path", [path for path in FILES if path.name != "mrz.py"], ids=lambda path: path.name)
def test_no_age_or_day_count_is_a_number_in_code(path: Path) -> None:
    """Numbers above one are named here, one by one, or lie in the data."""
    allowed = FORMAT_NUMBERS.get(path.name, set())

    assert {number for number in constants(path, int) if number > 1} <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_date_is_written_in_code(path: Path) -> None:
    """Neither as text nor as a call with literal numbers."""
    strings = constants(path, str) - {"https://json-schema.org/draft/2020-12/schema"}
    written = {text for text in strings if re.search(r"\d{4}-\d\d|\d\d/\d\d", str(text))}
    called = [
        node
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"date", "datetime", "time"}
        and any(isinstance(argument, ast.Constant) for argument in node.args)
    ]

    assert (written, called) == (set(), [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_vietnamese_text_is_written_in_code(path: Path) -> None:
    """Sentences lie in the catalogue and the data files."""
    texts = {text for text in constants(path, str) if re.search(r"[^\W\d_a-zA-Z]", str(text))}

    assert {text for text in texts if len(str(text)) > 1} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_row_and_no_reason_is_named_in_code(path: Path) -> None:
    """Which row decides what is known to the data files alone."""
    policies = load_rules().policies
    rows = {row for policy in policies for row in policy.rows} | {"D26"}
    reasons = {row.reason for policy in policies for row in policy.rows.values()} - {None}

    assert constants(path, str) & (rows | reasons) == set()


@pytest.mark.parametrize("path", [path for path in MODULES if path.name not in SHELLS], ids=lambda path: path.name)
def test_the_rules_read_no_clock_and_no_file(path: Path) -> None:
    """Pure: only the loader opens files; nobody asks for the time."""
    imported = {
        name.split(".")[0]
        for node in nodes(path)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    called = {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    named = {node.id for node in nodes(path) if isinstance(node, ast.Name)}

    assert imported & (IMPURE | {"pathlib"}) == set()
    assert called & {"now", "today", "utcnow", "read_text", "read_bytes", "environ"} == set()
    assert named & {"open", "eval", "exec", "compile", "print", "input", "__import__"} == set()


def test_every_data_file_names_its_source() -> None:
    """An answer can only name a source that the data hold."""
    for entry in (resources.files("wire.rules") / "data").iterdir():
        if entry.name.endswith(".toml") and entry.name != "calendar.toml":
            assert tomllib.loads(entry.read_text("utf-8"))["source"], entry.name
    assert all(year.source for year in load_rules().calendar.years.values())


def test_every_row_names_a_source_and_texts_are_nfc() -> None:
    """Rows, warnings and the activation term."""
    for policy in load_rules().policies:
        sources = [*policy.rows.values(), *policy.warnings.values(), policy.activation]

        assert all(len(item.source) > 3 for item in sources)


def test_the_guide_explains_every_fact_a_condition_may_name() -> None:
    """docs/rules.md is what an administrator writes conditions by."""
    guide = (ROOT / "docs" / "rules.md").read_text("utf-8")

    assert [fact for fact in FACT_TYPES if f"`{fact}`" not in guide] == []
