"""docs/screens.png: the real screens of the last `make demo`, one of each kind, in the order they came."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
WANTED = (
    "idle", "case", "consent", "document.show_page", "document_check", "portrait.no", "portrait",
    "finger.right_index.place", "finger.right_index.lift", "finger.left_index.place", "review", "queued",
    "result.issued",
)  # fmt: skip
COLUMNS, GAP = 4, 8


def main() -> int:
    """The exit status."""
    folders = sorted((ROOT / "demo-output").glob("*/screens"))
    if not folders:
        print("Run make demo first: its screens are what is shown here.", file=sys.stderr)
        return 1
    files = sorted(folders[0].glob("*.png"))
    picked = [file for name in WANTED if (file := _first(files, name)) is not None]
    pictures = [Image.open(file).convert("RGB") for file in picked]
    width, height = pictures[0].size
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (width + GAP) + GAP, rows * (height + GAP) + GAP), "white")
    for number, picture in enumerate(pictures):
        row, column = divmod(number, COLUMNS)
        sheet.paste(picture, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    sheet.save(ROOT / "docs" / "screens.png", optimize=True)
    print(f"docs/screens.png: {len(pictures)} screens")
    return 0


def _first(files: list[Path], name: str) -> Path | None:
    """The first page of the first screen of that id."""
    if name.endswith("no"):
        return next((file for file in files if f"-{name}" in file.name), None)
    return next((file for file in files if file.stem.split("-", 1)[1] == name), None)


if __name__ == "__main__":
    sys.exit(main())
