"""The reader and the pages it is shown; what is not on this machine is skipped by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.document.reader import DocumentReader
from tests.models.document import pages


@pytest.fixture(scope="session")
def reader() -> DocumentReader:
    return DocumentReader.load()


@pytest.fixture(scope="session")
def font() -> Path:
    found = pages.font_file()
    if found is None:
        pytest.skip(f"no font {pages.FONT_FILE}: make setup unpacks it to .cache/ocr-b")
    return found
