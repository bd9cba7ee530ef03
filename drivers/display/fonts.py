"""The one font of all screens: Noto Sans (SIL Open Font License 1.1), a variable font carried by a Python package.

Read from the installed package, never from the system, so that a screen looks the same on every machine and every
Vietnamese letter is there (tests/drivers/display/test_fonts.py counts them).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from drivers.display.errors import FontMissing

PACKAGE = "fontpkg_noto_sans"
FILE_NAME = "NotoSans[wdth,wght].ttf"


@dataclass(frozen=True, slots=True)
class Face:
    """One cut of the font.

    Attributes:
        size_px: height of the em square.
        weight: 100 thin to 900 black.
        width: 62 condensed to 100 normal, percent.
    """

    size_px: int
    weight: int
    width: int


@lru_cache(maxsize=1)
def font_path() -> Path:
    """Where the font lies. Raises FontMissing."""
    spec = find_spec(PACKAGE)
    folders = [Path(found) for found in (spec.submodule_search_locations or [])] if spec is not None else []
    for folder in folders:
        path = folder / "files" / FILE_NAME
        if path.is_file():
            return path
    raise FontMissing(device="display", where=PACKAGE)


@lru_cache(maxsize=16)
def load(face: Face) -> ImageFont.FreeTypeFont:
    """The cut, ready to draw. Raises FontMissing.

    Each cut maps the font file anew (2 MB of resident pages): more than a screen needs are not kept.
    """
    font = ImageFont.truetype(str(font_path()), face.size_px, layout_engine=ImageFont.Layout.BASIC)
    values = {b"Weight": float(face.weight), b"Width": float(face.width)}
    font.set_variation_by_axes([values[bytes(axis["name"])] for axis in font.get_variation_axes()])
    return font


@lru_cache(maxsize=8192)
def ink(face: Face, text: str, mono: bool) -> tuple[int, int, int, int]:
    """Ink of a piece of text: (left, above, advance or right edge, below) in px, from its origin on the baseline."""
    font = load(face)
    mode = "1" if mono else "L"
    left, top, right, bottom = font.getbbox(text, mode=mode, anchor="ls")
    return (int(left), -int(top), max(int(right), round(font.getlength(text, mode=mode))), int(bottom))


@lru_cache(maxsize=64)
def space_px(face: Face, mono: bool) -> int:
    """The gap between two words. On a mono display hinting eats it, so it has a floor."""
    natural = round(load(face).getlength(" ", mode="1" if mono else "L"))
    return max(natural, round(face.size_px * 0.28) + 1) if mono else max(natural, 3)
