"""Words into lines, lines into rows, rows into pages.

Pure measuring and placing. Must never lose a word: a line that is too wide is wrapped, a word that is too wide is
broken, what does not fit on a page goes to the next.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw

from drivers.display.fonts import Face, ink, load, space_px

Colour = tuple[int, int, int] | int

BALANCED_LINES = 3
"""Longer paragraphs read better with full lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text as it was drawn: its words, its ink box (left, top, right, bottom) and its size."""

    text: str
    box: tuple[int, int, int, int]
    size_px: int
    block: str
    joined: bool = False
    """The word goes on in the next run: it was broken because no line could hold it."""


@lru_cache(maxsize=2048)
def _stamp(face: Face, word: str, mono: bool) -> tuple[Image.Image, int, int]:
    """A word as a mask, its offset to the right of the origin and its height above the baseline. Pages and screens
    repeat their words, and rendering is most of the cost of drawing."""
    mode = "1" if mono else "L"
    left, top, right, bottom = (int(edge) for edge in load(face).getbbox(word, mode=mode, anchor="ls"))
    mask = Image.new(mode, (max(1, right - left), max(1, bottom - top)), 0)
    ImageDraw.Draw(mask).text((-left, -top), word, font=load(face), fill=255, anchor="ls")
    return mask, left, -top


@dataclass(slots=True)
class Canvas:
    """A picture being drawn, and every run of text in it."""

    image: Image.Image
    mono: bool
    runs: list[Run] = field(default_factory=list)

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """For lines and areas; text goes through `line`."""
        return ImageDraw.Draw(self.image)

    def line(self, at: tuple[int, int], line: Line, fill: Colour, block: str) -> None:
        """Draws one line of text; `at` is the left end of its baseline."""
        x, baseline = at
        cursor = x
        for word in line.words:
            mask, left, above = _stamp(line.face, word, self.mono)
            self.image.paste(fill, (cursor + left, baseline - above), mask)
            cursor += ink(line.face, word, self.mono)[2] + space_px(line.face, self.mono)
        box = (x, baseline - line.above, x + line.width, baseline + line.below)
        self.runs.append(Run(" ".join(line.words), box, line.face.size_px, block, line.joined))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words that fits, measured in ink."""

    words: tuple[str, ...]
    face: Face
    width: int
    above: int
    below: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Something as wide as the column, drawn at (x, top).

    Attributes:
        gap: distance to the row above; none at the top of a page.
        keep: must stay on one page with the row that follows.
        block: the paragraph it belongs to; a group too tall for a page is parted between paragraphs first.
    """

    height: int
    gap: int
    paint: Callable[[Canvas, int, int], None]
    keep: bool = False
    block: str = ""


def words_of(text: str) -> list[str]:
    """The words of a text, NFC, whatever white space stands between them."""
    return unicodedata.normalize("NFC", text).split()


@lru_cache(maxsize=2048)
def wrap(text: str, face: Face, width: int, mono: bool, balance: bool = False) -> tuple[Line, ...]:
    """The text in lines no wider than `width` px; `balance` makes lines of like length, as titles want it."""
    lines = _greedy(words_of(text), face, width, mono)
    if not balance or not 2 <= len(lines) <= BALANCED_LINES:
        return tuple(lines)
    # Narrower than the widest word would break it.
    low, high = min(width, max(ink(face, word, mono)[2] for word in words_of(text))), width
    while low < high:
        middle = (low + high) // 2
        tried = _greedy(words_of(text), face, middle, mono)
        if len(tried) <= len(lines) and all(line.width <= middle for line in tried):
            high = middle
        else:
            low = middle + 1
    return tuple(_greedy(words_of(text), face, high, mono))


def narrowed(text: str, faces: Sequence[Face], width: int, mono: bool) -> Face:
    """The first of the faces, widest first, unless a narrower one saves a line."""
    counts = [len(wrap(text, face, width, mono)) for face in faces]
    return faces[counts.index(min(counts))]


def _greedy(words: Sequence[str], face: Face, width: int, mono: bool) -> list[Line]:
    lines: list[Line] = []
    taken: list[str] = []
    for word in words:
        if taken and _width([*taken, word], face, mono) <= width:
            taken.append(word)
            continue
        if taken:
            lines.append(_measured(taken, face, mono))
        taken = [word]
        while _width(taken, face, mono) > width and len(taken[0]) > 1:
            head = _longest_head(taken[0], face, width, mono)
            lines.append(_measured([taken[0][:head]], face, mono, joined=True))
            taken = [taken[0][head:]]
    return [*lines, _measured(taken, face, mono)] if taken else lines


def _longest_head(word: str, face: Face, width: int, mono: bool) -> int:
    fitting = 1
    while fitting + 1 < len(word) and _width([word[: fitting + 1]], face, mono) <= width:
        fitting += 1
    return fitting


def _width(words: Sequence[str], face: Face, mono: bool) -> int:
    return sum(ink(face, word, mono)[2] for word in words) + space_px(face, mono) * (len(words) - 1)


def _measured(words: Sequence[str], face: Face, mono: bool, joined: bool = False) -> Line:
    # A line is at least as tall as its capitals, so that lines without marks keep the rhythm.
    above = max(ink(face, "H", mono)[1], *(ink(face, word, mono)[1] for word in words))
    below = max(0, *(ink(face, word, mono)[3] for word in words))
    return Line(tuple(words), face, _width(words, face, mono), above, below, joined)


def text_rows(
    text: str,
    face: Face,
    width: int,
    fill: Colour,
    block: str,
    *,
    mono: bool,
    gap: int,
    leading: int,
    keep: bool = False,
    balance: bool = False,
) -> list[Row]:
    """A paragraph as rows; `keep` ties its last row to what follows."""
    lines = wrap(text, face, width, mono, balance)
    rows = []
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        rows.append(
            Row(
                height=line.above + line.below,
                gap=gap if number == 0 else leading,
                paint=_painter(line, fill, block),
                keep=keep if last else True,
                block=block,
            )
        )
    return rows


def _painter(line: Line, fill: Colour, block: str) -> Callable[[Canvas, int, int], None]:
    return lambda canvas, x, top: canvas.line((x, top + line.above), line, fill, block)


def height_of(rows: Sequence[Row]) -> int:
    """Height of rows below each other on one page."""
    return sum(row.height for row in rows) + sum(row.gap for row in rows[1:])


def paginate(rows: Sequence[Row], height: int) -> list[list[Row]]:
    """Rows spread over pages of `height` px.

    Kept rows stay together where a page can hold them; else they are parted between paragraphs, and a paragraph that
    is taller than a page into pieces of like size.
    """
    pages: list[list[Row]] = [[]]
    for chunk in _chunks(rows, lambda before, row: before.keep):
        for piece in _pieces(chunk, height):
            if pages[-1] and height_of([*pages[-1], *piece]) > height:
                pages.append([])
            pages[-1] += piece
    return pages


def _pieces(chunk: list[Row], height: int) -> list[list[Row]]:
    if height_of(chunk) <= height:
        return [chunk]
    paragraphs = _chunks(chunk, lambda before, row: before.block == row.block)
    return [piece for paragraph in paragraphs for piece in _parted(paragraph, height)]


def _parted(paragraph: list[Row], height: int) -> list[list[Row]]:
    for count in range(1, len(paragraph)):
        size = -(-len(paragraph) // count)
        pieces = [paragraph[start : start + size] for start in range(0, len(paragraph), size)]
        if all(height_of(piece) <= height for piece in pieces):
            return pieces
    return [[row] for row in paragraph]


def _chunks(rows: Sequence[Row], together: Callable[[Row, Row], bool]) -> list[list[Row]]:
    chunks = [[rows[0]]] if rows else []
    for before, row in pairwise(rows):
        if together(before, row):
            chunks[-1].append(row)
        else:
            chunks.append([row])
    return chunks


def paint_rows(canvas: Canvas, rows: Sequence[Row], x: int, top: int) -> int:
    """Draws rows below each other; returns the y below the last."""
    y = top
    for number, row in enumerate(rows):
        y += row.gap if number else 0
        row.paint(canvas, x, y)
        y += row.height
    return y
