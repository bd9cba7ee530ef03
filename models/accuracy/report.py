"""Markdown of the report."""

from __future__ import annotations


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:], ""]
