"""Screens on 128 x 64 pixels, white on black: one thing at a time, large, in both languages.

The outermost pixel on each side stays empty for the shift against burn-in. Key hints stand in the bottom row with the
marks of the buttons' caps; where both languages do not fit, the row alternates between them page by page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from drivers.display import marks
from drivers.display.flow import Canvas, Line, Row, height_of, narrowed, paginate, paint_rows, text_rows, wrap
from drivers.display.fonts import Face
from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button
from wire.catalogue import Text

WIDTH, HEIGHT = 128, 64
MARGIN = 1
INNER = WIDTH - 2 * MARGIN
ICON_PX = 16
CAP_PX = 11
HAND_PX = 27
TURN_PX = 4

TITLES = {size: Face(size, 650, width) for size, width in ((18, 75), (16, 75), (14, 78), (13, 80), (12, 85))}
LINES_VI = tuple(Face(13, 600, width) for width in (80, 74))
LINES_EN = tuple(Face(11, 450, width) for width in (85, 76, 68))
KEY_FACES = (Face(11, 500, 85), Face(11, 500, 72), Face(11, 500, 62))
BAR_PX = 4

ALARMING = (Tone.WARNING, Tone.ERROR)
OFFICER = (Button.OFFICER_OK, Button.OFFICER_BACK, Button.OFFICER_SKIP)


@dataclass(frozen=True, slots=True)
class _Label:
    button: Button
    line: Line

    @property
    def width(self) -> int:
        return CAP_PX + 2 + self.line.width


def draw_pages(screen: Screen) -> list[Canvas]:
    """The pages of a screen, each 128 x 64, mode 1."""
    footers, homeless = _footers(screen.keys)
    height = _footer_top(footers) - MARGIN
    bodies = _Body(screen, homeless, INNER).pages(height)
    if len(bodies) > 1:
        bodies = _Body(screen, homeless, INNER - TURN_PX).pages(height)
    # Whole turns of the body: no page of it stands twice in a row.
    count = len(bodies) * max(1, -(-len(footers) // len(bodies)))
    pages = []
    for number in range(count):
        canvas = Canvas(Image.new("1", (WIDTH, HEIGHT), 0), mono=True)
        rows = bodies[number % len(bodies)]
        spare = max(0, height - height_of(rows))
        paint_rows(canvas, rows, MARGIN, MARGIN + min(5, spare // 2))
        if footers:
            _paint_footer(canvas, footers[number % len(footers)])
        if len(bodies) > 1:
            _paint_turn(canvas, number % len(bodies), len(bodies), height)
        pages.append(canvas)
    return pages


class _Body:
    """Everything above the keys, laid out for one width."""

    def __init__(self, screen: Screen, homeless: Sequence[KeyHint], width: int) -> None:
        self._screen = screen
        self._homeless = homeless
        self._width = width

    def pages(self, height: int) -> list[list[Row]]:
        """Rows for one page if any size allows, else for several."""
        attempts = self._attempts()
        rest = self._rest()
        for icon, size in attempts:
            rows = [*self._head(icon, size), *rest]
            if height_of(rows) <= height:
                return [rows]
        for icon, size in attempts:
            head = self._head(icon, size)
            if height_of(head) <= height and (size <= 14 or len(head) <= 3):
                return paginate([*head, *rest], height)
        for icon, size in attempts:
            title, *below = self._head(icon, size)
            if title.height <= height:
                return paginate([replace(title, keep=False), *below, *rest], height)
        return paginate([*self._both(self._screen.title, "title"), *self._hand_row(), *rest], height)

    def _attempts(self) -> list[tuple[bool, int]]:
        with_icon = self._screen.icon is not Icon.NONE and not self._screen.hand
        icons = (True, False) if with_icon else (False,)
        return [(icon, size) for size in (18, 16, 14) for icon in icons] + [(False, 13), (False, 12)]

    def _head(self, icon: bool, size: int) -> list[Row]:
        """The title as one row, so that icon and inversion go with it, and its English below."""
        screen, width = self._screen, self._width
        indent = ICON_PX + 3 if icon else 0
        inverted = screen.tone in ALARMING
        pad = 2 if inverted else 0
        lines = wrap(screen.title.vi, TITLES[size], width - indent - 2 * pad, mono=True, balance=True)
        tops: list[int] = []
        y = pad
        for line in lines:
            tops.append(y)
            y += line.above + line.below + 1
        text_height = y - 1 + pad
        height = max(text_height, ICON_PX if icon else 0)

        def paint(canvas: Canvas, x: int, top: int) -> None:
            ink = 0 if inverted else 1
            if inverted:
                canvas.pen.rounded_rectangle((x, top, x + width - 1, top + height - 1), 2, fill=1)
            if icon:
                _stamp(canvas, marks.icon(screen.icon, ICON_PX, 2.6), (x + pad, top + (height - ICON_PX) // 2), ink)
            down = (height - text_height) // 2
            for line, line_top in zip(lines, tops, strict=True):
                canvas.line((x + indent + pad, top + down + line_top + line.above), line, ink, "title.vi")

        title = Row(height, 0, paint, keep=True, block="title.vi")
        if screen.hand:
            beside = self._beside_hand()
            if beside is not None:
                return [title, beside]
        english = screen.title.en if screen.title.en != screen.title.vi else ""
        return [title, *self._text(english, LINES_EN, "title.en", gap=3 if size > 14 else 2), *self._hand_row()]

    def _beside_hand(self) -> Row | None:
        """English and progress on the left, both hands on the right; None when the English is too long for it."""
        room = self._width - round(HAND_PX * marks.HANDS_RATIO) - 4
        progress = self._screen.progress
        face = narrowed(self._screen.title.en, LINES_EN, room, mono=True)
        lines = wrap(self._screen.title.en, face, room, mono=True)
        text_height = sum(line.above + line.below + 1 for line in lines) - 1
        bar_height = BAR_PX + 1 if progress else 0
        if text_height + bar_height > HAND_PX or any(line.joined for line in lines):
            return None

        def paint(canvas: Canvas, x: int, top: int) -> None:
            y = top
            for line in lines:
                canvas.line((x, y + line.above), line, 1, "title.en")
                y += line.above + line.below + 1
            if progress:
                _paint_bar(canvas, (x, top + HAND_PX - BAR_PX, x + room, top + HAND_PX - 1), progress)
            outline, chosen = marks.hands(self._screen.hand, HAND_PX)
            for mask in (outline, chosen):
                _stamp(canvas, mask, (x + self._width - outline.width, top), 1)

        return Row(HAND_PX, 3, paint, block="hand")

    def _hand_row(self) -> list[Row]:
        screen = self._screen
        if not screen.hand:
            return []

        def paint(canvas: Canvas, x: int, top: int) -> None:
            outline, chosen = marks.hands(screen.hand, HAND_PX)
            left = x + self._width - outline.width
            if screen.progress is not None:
                room = self._width - outline.width - 6
                row = _progress(screen.progress, room)
                row.paint(canvas, x, top + (HAND_PX - row.height) // 2)
            for mask in (outline, chosen):
                _stamp(canvas, mask, (left, top), 1)

        return [Row(HAND_PX, 3, paint, block="hand")]

    def _rest(self) -> list[Row]:
        screen = self._screen
        rows: list[Row] = []
        if screen.progress is not None and not screen.hand:
            rows.append(_progress(screen.progress, self._width))
        for number, text in enumerate(screen.lines):
            rows += self._both(text, f"line{number}")
        if screen.detail:
            rows += self._text(screen.detail, LINES_VI, "detail", gap=4)
        for key in self._homeless:
            rows += self._both(key.text, f"key.{key.button.value}")
        return rows

    def _both(self, text: Text, block: str) -> list[Row]:
        english = text.en if text.en != text.vi else ""
        rows = self._text(text.vi, LINES_VI, f"{block}.vi", gap=4, keep=bool(english))
        return [*rows, *self._text(english, LINES_EN, f"{block}.en", gap=2)]

    def _text(self, text: str, faces: Sequence[Face], block: str, gap: int, keep: bool = False) -> list[Row]:
        face = narrowed(text, faces, self._width, mono=True)
        return text_rows(text, face, self._width, 1, block, mono=True, gap=gap, leading=1, keep=keep)


def _progress(progress: tuple[int, int], width: int) -> Row:
    done, total = progress
    line = wrap(f"{done}/{total}", Face(11, 600, 85), width, mono=True)[0]
    height = max(9, line.above + line.below)

    def paint(canvas: Canvas, x: int, top: int) -> None:
        canvas.line((x + width - line.width, top + line.above), line, 1, "progress")
        middle = top + height // 2
        _paint_bar(canvas, (x, middle - 3, x + width - line.width - 4, middle + 3), progress)

    return Row(height, 4, paint, block="progress")


def _paint_bar(canvas: Canvas, box: tuple[int, int, int, int], progress: tuple[int, int]) -> None:
    left, top, right, bottom = box
    done, total = progress
    canvas.pen.rectangle(box, outline=1)
    inset = 2 if bottom - top > 4 else 1
    filled = round((right - left - 2 * inset) * min(1.0, max(0.0, done / total))) if total > 0 else 0
    if filled > 0:
        canvas.pen.rectangle((left + inset, top + inset, left + inset + filled, bottom - inset), fill=1)


def _footers(keys: Sequence[KeyHint]) -> tuple[list[list[_Label]], list[KeyHint]]:
    """Rows of labels, Vietnamese first, and the keys whose text is too long for any row."""
    homeless = [key for key in keys if not all(_fits(text) for text in (key.text.vi, key.text.en))]
    housed = [key for key in keys if key not in homeless]
    footers = _packed([(key.button, key.text.vi) for key in housed])
    english = _packed([(key.button, key.text.en) for key in housed])
    if [_texts(row) for row in english] != [_texts(row) for row in footers]:
        footers += english
    return footers, homeless


def _footer_top(footers: Sequence[Sequence[_Label]]) -> int:
    """The y that everything above the keys must stay clear of."""
    if not footers:
        return HEIGHT - MARGIN
    tops = [_baseline(label.line) - label.line.above for row in footers for label in row]
    return min(HEIGHT - MARGIN - CAP_PX, *tops) - 1


def _baseline(line: Line) -> int:
    """Level with the cap, higher where the line reaches far below it."""
    return min(HEIGHT - MARGIN - line.below, HEIGHT - MARGIN - 2)


def _texts(row: list[_Label]) -> list[tuple[str, ...]]:
    return [label.line.words for label in row]


def _fits(text: str) -> bool:
    lines = wrap(text, KEY_FACES[-1], INNER - CAP_PX - 2, mono=True)
    return len(lines) == 1


def _packed(texts: Sequence[tuple[Button, str]]) -> list[list[_Label]]:
    for face in KEY_FACES:
        labels = _labels(texts, face)
        if labels is not None and _row_width(labels) <= INNER:
            return [labels] if labels else []
    rows: list[list[_Label]] = []
    for button, text in texts:
        label = next(found[0] for face in KEY_FACES if (found := _labels([(button, text)], face)))
        if rows and _row_width([*rows[-1], label]) <= INNER:
            rows[-1].append(label)
        else:
            rows.append([label])
    return rows


def _labels(texts: Sequence[tuple[Button, str]], face: Face) -> list[_Label] | None:
    labels = []
    for button, text in texts:
        lines = wrap(text, face, INNER - CAP_PX - 2, mono=True)
        if len(lines) != 1:
            return None
        labels.append(_Label(button, lines[0]))
    return labels


def _row_width(labels: Sequence[_Label]) -> int:
    return sum(label.width for label in labels) + 5 * max(0, len(labels) - 1)


def _paint_footer(canvas: Canvas, labels: Sequence[_Label]) -> None:
    officer = [label for label in labels if label.button in OFFICER]
    applicant = [label for label in labels if label.button not in OFFICER]
    x = MARGIN
    for label in sorted(officer, key=lambda found: OFFICER.index(found.button)):
        _paint_label(canvas, label, x)
        x += label.width + 5
    x = WIDTH - MARGIN - _row_width(applicant)
    for label in applicant:
        _paint_label(canvas, label, x)
        x += label.width + 5


def _paint_label(canvas: Canvas, label: _Label, x: int) -> None:
    top = HEIGHT - MARGIN - CAP_PX
    canvas.pen.rounded_rectangle((x, top, x + CAP_PX - 1, top + CAP_PX - 1), 2, fill=1)
    _stamp(canvas, marks.key_mark(label.button, CAP_PX - 2, 3.4), (x + 1, top + 1), 0)
    canvas.line((x + CAP_PX + 2, _baseline(label.line)), label.line, 1, f"key.{label.button.value}")


def _paint_turn(canvas: Canvas, number: int, count: int, height: int) -> None:
    """Which page of how many: a thin line on the right edge, thick where we are."""
    share = height / count
    top = round(MARGIN + number * share)
    canvas.pen.line((WIDTH - 2, top, WIDTH - 2, max(top, round(MARGIN + (number + 1) * share) - 2)), fill=1)


def _stamp(canvas: Canvas, mask: Image.Image, at: tuple[int, int], ink: int) -> None:
    canvas.image.paste(ink, at, mask.point([255 if level >= 116 else 0 for level in range(256)]))
