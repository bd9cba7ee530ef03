"""The font has every letter that a screen may show."""

from __future__ import annotations

import unicodedata

from fontTools.ttLib import TTFont

from drivers.display.fonts import Face, font_path, ink, load
from wire.catalogue import bundled

VOWELS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")


def vietnamese_letters() -> set[str]:
    """The non-ASCII letters of Vietnamese, both cases (TCVN 6909, Unicode NFC): 134."""
    lower = {unicodedata.normalize("NFC", vowel + tone) for vowel in VOWELS for tone in TONES} | {"đ"}
    return {letter for small in lower for letter in (small, small.upper()) if not letter.isascii()}


def test_the_font_has_all_vietnamese_letters() -> None:
    """134 letters; a font that lacks one shows a box in the middle of a word."""
    with TTFont(font_path(), lazy=True) as font:
        covered = {chr(code) for code in font.getBestCmap()}

    assert len(vietnamese_letters()) == 134
    assert vietnamese_letters() - covered == set()


def test_the_font_has_every_character_of_the_catalogue() -> None:
    """Whatever a text uses: quotes, dashes, degree signs."""
    catalogue = bundled()
    with TTFont(font_path(), lazy=True) as font:
        covered = {chr(code) for code in font.getBestCmap()}
    used = {
        character
        for key in catalogue
        for text in (catalogue._texts[key].vi, catalogue._texts[key].en)
        for character in text
        if not character.isspace()
    }

    assert used - covered == set()


def test_the_font_is_under_the_open_font_licence() -> None:
    """The licence that lets it lie in the package stands in its name table."""
    with TTFont(font_path(), lazy=True) as font:
        names = " ".join(str(record.toUnicode()) for record in font["name"].names if record.nameID in (13, 14))

    assert "Open Font License" in names


def test_cuts_differ() -> None:
    """Weight and width reach the variable font."""
    widths = {
        face: ink(face, "Đặt ngón cái phải", False)[2]
        for face in (Face(20, 400, 100), Face(20, 700, 100), Face(20, 400, 65))
    }

    assert len(set(widths.values())) == 3
    assert load(Face(20, 400, 100)) is load(Face(20, 400, 100))
