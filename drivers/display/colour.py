"""Screens on 320 x 240 pixels in colour: the title in a band of the tone's colour, the rest dark on light.

Contrast of text to ground is at least 4.5:1 (WCAG 2.1, 1.4.3). The officer's keys stand in the bottom row, the
applicant's at the right edge: where the buttons are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from drivers.display import marks
from drivers.display.flow import Canvas, Line, Row, height_of, paginate, paint_rows, text_rows, wrap
from drivers.display.fonts import Face
from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button
from wire.catalogue import Text

WIDTH, HEIGHT = 320, 240
SIDE = 14
ICON_PX = 40
FOOTER_PX = 58
CAP_PX = 18
COLUMN_PX = 122
TURN_PX = 12

Rgb = tuple[int, int, int]

GROUND: Rgb = (244, 246, 249)
CARD: Rgb = (255, 255, 255)
EDGE: Rgb = (214, 220, 228)
INK: Rgb = (20, 30, 44)
SOFT: Rgb = (82, 94, 110)
TRACK: Rgb = (216, 223, 231)
WHITE: Rgb = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of a tone: band, text on the band, and what stands out below it."""

    band: Rgb
    text: Rgb
    soft: Rgb
    accent: Rgb


PALETTES = {
    Tone.NEUTRAL: Palette((27, 54, 93), WHITE, (206, 217, 233), (27, 54, 93)),
    Tone.ACTION: Palette((11, 87, 166), WHITE, (208, 226, 246), (11, 87, 166)),
    Tone.BUSY: Palette((66, 78, 96), WHITE, (216, 221, 229), (66, 78, 96)),
    Tone.SUCCESS: Palette((22, 112, 60), WHITE, (210, 236, 219), (22, 112, 60)),
    Tone.WARNING: Palette((250, 190, 44), (38, 26, 0), (74, 52, 0), (176, 104, 0)),
    Tone.ERROR: Palette((176, 32, 36), WHITE, (250, 218, 218), (176, 32, 36)),
}

CAPS = {
    Button.OFFICER_OK: (22, 112, 60),
    Button.OFFICER_BACK: (66, 78, 96),
    Button.OFFICER_SKIP: (176, 104, 0),
    Button.APPLICANT_YES: (22, 112, 60),
    Button.APPLICANT_NO: (176, 32, 36),
}
OFFICER = (Button.OFFICER_OK, Button.OFFICER_BACK, Button.OFFICER_SKIP)
APPLICANT = (Button.APPLICANT_YES, Button.APPLICANT_NO)

TITLES = ((28, 2), (26, 2), (24, 2), (22, 2), (20, 2), (18, 3), (16, 5))
"""Size of the title and the lines it may take."""

COMFORTABLE = ((19, 14), (18, 14), (17, 13), (16, 13))
STEPS = (*COMFORTABLE, (15, 12), (14, 12), (13, 11))
"""Sizes of Vietnamese and English below the title."""

PAGED_STEP = (16, 13)
KEY_VI = ((15, 100), (14, 95), (14, 85), (13, 82), (12, 80), (12, 72))
KEY_EN = ((12, 100), (11, 95), (11, 82), (10, 78), (10, 68))


@dataclass(frozen=True, slots=True)
class _Cell:
    """One key: its card and the lines on it, none when its text stands elsewhere."""

    button: Button
    box: tuple[int, int, int, int]
    vietnamese: tuple[Line, ...] = ()
    english: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """One way to lay out a screen: its band, its keys, and the room between."""

    head: tuple[Row, ...]
    head_px: int
    cells: tuple[_Cell, ...]
    homeless: tuple[KeyHint, ...]
    width: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.head_px - 14


def draw_pages(screen: Screen) -> list[Canvas]:
    """The pages of a screen, each 320 x 240, mode RGB."""
    plan, bodies = _laid_out(screen)
    pages = []
    for number, rows in enumerate(bodies):
        canvas = Canvas(Image.new("RGB", (WIDTH, HEIGHT), GROUND), mono=False)
        _paint_head(canvas, screen, plan)
        room = plan.bottom - plan.head_px - (TURN_PX if len(bodies) > 1 else 0)
        paint_rows(canvas, rows, SIDE, plan.head_px + max(7, (room - height_of(rows)) // 2))
        for cell in plan.cells:
            _paint_cell(canvas, cell)
        if len(bodies) > 1:
            _paint_turn(canvas, number, len(bodies), plan, PALETTES[screen.tone].accent)
        pages.append(canvas)
    return pages


def _laid_out(screen: Screen) -> tuple[_Plan, list[list[Row]]]:
    """The largest title with comfortable text that fits one page; then smaller text; then several pages."""
    plans = [plan for size, most in TITLES if (plan := _plan(screen, size, most)) is not None]
    for steps in (COMFORTABLE, STEPS):
        for plan in plans:
            for step in steps:
                for rows in _arrangements(screen, plan, step):
                    if height_of(rows) <= plan.height and not (plan.homeless and plan is not plans[-1]):
                        return plan, [rows]
    # A title that is too long for any band goes through the pages with the rest.
    plan = plans[-1] if plans else _planned(screen, (), 56)
    return plan, paginate(_rows(screen, plan, PAGED_STEP, 60, beside=False), plan.height - TURN_PX)


def _plan(screen: Screen, size: int, most: int) -> _Plan | None:
    palette = PALETTES[screen.tone]
    with_icon = screen.icon is not Icon.NONE and not _is_bare(screen)
    width = WIDTH - 2 * SIDE - (ICON_PX + 12 if with_icon else 0)
    english = screen.title.en if screen.title.en != screen.title.vi else ""
    face = Face(size, 700, 92)
    vi = text_rows(screen.title.vi, face, width, palette.text, "title.vi", mono=False, gap=0, leading=3, balance=True)
    en_face = Face(15 if size > 22 else 13, 500, 95)
    en = text_rows(english, en_face, width, palette.soft, "title.en", mono=False, gap=9, leading=2, balance=True)
    height = max(54, height_of([*vi, *en]) + 22)
    if len(vi) > most or height > 112:
        return None
    return _planned(screen, (*vi, *en), height)


def _planned(screen: Screen, head: tuple[Row, ...], head_px: int) -> _Plan:
    officer = [key for key in screen.keys if key.button in OFFICER]
    applicant = [key for key in screen.keys if key.button in APPLICANT]
    bottom = HEIGHT - (FOOTER_PX if officer else 0)
    width = WIDTH - 2 * SIDE - (COLUMN_PX - 4 if applicant else 0)
    cells = (*_officer_cells(officer), *_applicant_cells(applicant, head_px, bottom))
    silent = {cell.button for cell in cells if not cell.vietnamese}
    homeless = tuple(key for key in screen.keys if key.button in silent)
    return _Plan(head, head_px, cells, homeless, width, bottom)


def _is_bare(screen: Screen) -> bool:
    """Nothing but a title: then the icon stands large below it."""
    return not (screen.lines or screen.hand or screen.detail) and screen.icon is not Icon.NONE


def _paint_head(canvas: Canvas, screen: Screen, plan: _Plan) -> None:
    palette, height = PALETTES[screen.tone], plan.head_px
    canvas.pen.rectangle((0, 0, WIDTH, height - 1), fill=palette.band)
    x = SIDE
    if screen.icon is not Icon.NONE and not _is_bare(screen):
        _stamp(canvas, marks.icon(screen.icon, ICON_PX), (SIDE - 2, (height - ICON_PX) // 2), palette.text)
        x += ICON_PX + 10
    paint_rows(canvas, plan.head, x, (height - height_of(plan.head)) // 2 if plan.head else 0)


def _arrangements(screen: Screen, plan: _Plan, step: tuple[int, int]) -> Iterator[list[Row]]:
    """The rows below the title; for a finger with the hands below the text, else beside it."""
    if not screen.hand:
        yield _rows(screen, plan, step, 0, beside=False)
        return
    for hand_px in (96, 84, 72, 60):
        yield _rows(screen, plan, step, hand_px, beside=False)
    if screen.lines:
        for hand_px in (72, 64, 56):
            yield _rows(screen, plan, step, hand_px, beside=True)


def _rows(screen: Screen, plan: _Plan, step: tuple[int, int], hand_px: int, *, beside: bool) -> list[Row]:
    width, accent = plan.width, PALETTES[screen.tone].accent
    rows: list[Row] = []
    if not plan.head:
        rows += _both(screen.title, step, width, "title")
    if _is_bare(screen):
        rows.append(_large_icon(screen, width, 76 if plan.height > 118 else 60))
    if screen.hand and not beside:
        rows.append(_picture(screen, width, hand_px))
    text_width = width - round(hand_px * marks.HANDS_RATIO) - 12 if beside else width
    texts = [row for number, text in enumerate(screen.lines) for row in _both(text, step, text_width, f"line{number}")]
    rows += (
        [_side_by_side(texts, _picture(screen, width - text_width - 12, hand_px), text_width + 12)] if beside else texts
    )
    if screen.detail:
        face = Face(step[0], 700, 90)
        rows += text_rows(screen.detail, face, width, accent, "detail", mono=False, gap=max(6, step[0] - 6), leading=2)
    if screen.progress is not None:
        rows.append(_progress(screen.progress, width, accent))
    for key in plan.homeless:
        rows += _both(key.text, step, width, f"key.{key.button.value}")
    return rows


def _side_by_side(texts: Sequence[Row], picture: Row, offset: int) -> Row:
    text_height = height_of(texts)
    height = max(text_height, picture.height)

    def paint(canvas: Canvas, x: int, top: int) -> None:
        paint_rows(canvas, texts, x, top + (height - text_height) // 2)
        picture.paint(canvas, x + offset, top + (height - picture.height) // 2)

    return Row(height, 10, paint, block="hand")


def _large_icon(screen: Screen, width: int, size: int) -> Row:
    def paint(canvas: Canvas, x: int, top: int) -> None:
        _stamp(canvas, marks.icon(screen.icon, size, 1.7), (x + (width - size) // 2, top), PALETTES[screen.tone].accent)

    return Row(size, 10, paint, block="icon")


def _both(text: Text, step: tuple[int, int], width: int, block: str) -> list[Row]:
    english = text.en if text.en != text.vi else ""
    vi_face, en_face = Face(step[0], 600, 95), Face(step[1], 400, 95)
    rows = text_rows(
        text.vi,
        vi_face,
        width,
        INK,
        f"{block}.vi",
        mono=False,
        gap=max(6, step[0] - 7),
        leading=3,
        keep=bool(english),
        balance=True,
    )
    return [
        *rows,
        *text_rows(english, en_face, width, SOFT, f"{block}.en", mono=False, gap=4 if step[0] > 14 else 3, leading=2),
    ]


def _picture(screen: Screen, width: int, height: int) -> Row:
    palette = PALETTES[screen.tone]
    fitting = min(height, round(width / marks.HANDS_RATIO) - 1)

    def paint(canvas: Canvas, x: int, top: int) -> None:
        outline, chosen = marks.hands(screen.hand, fitting)
        left = x + (width - outline.width) // 2
        _stamp(canvas, outline, (left, top), (120, 132, 148))
        _stamp(canvas, chosen, (left, top), palette.accent)

    return Row(fitting, 10, paint, block="hand")


def _progress(progress: tuple[int, int], width: int, accent: Rgb) -> Row:
    done, total = progress
    line = wrap(f"{done}/{total}", Face(15, 700, 92), width, mono=False)[0]
    height = max(12, line.above + line.below)

    def paint(canvas: Canvas, x: int, top: int) -> None:
        canvas.line((x + width - line.width, top + line.above), line, INK, "progress")
        right = x + width - line.width - 8
        middle = top + height // 2
        share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        _bar(canvas, (x, middle - 4, right, middle + 4), TRACK)
        if share > 0:
            _bar(canvas, (x, middle - 4, x + max(9, round((right - x) * share)), middle + 4), accent)

    return Row(height, 9, paint, block="progress")


def _bar(canvas: Canvas, box: tuple[int, int, int, int], fill: Rgb) -> None:
    left, top, right, bottom = box
    mask = _rounded(right - left, bottom - top, (bottom - top) / 2)
    canvas.image.paste(fill, (left, top), mask)


def _officer_cells(keys: Sequence[KeyHint]) -> list[_Cell]:
    """A card begins where its button is and reaches to the next that is in use."""
    cells = []
    used = sorted(OFFICER.index(key.button) for key in keys)
    for key in sorted(keys, key=lambda found: OFFICER.index(found.button)):
        place = OFFICER.index(key.button)
        end = min([other for other in used if other > place], default=len(OFFICER))
        left, right = round(place * WIDTH / 3), round(end * WIDTH / 3)
        cells.append(_cell(key, (left + 3, HEIGHT - FOOTER_PX + 2, right - 3, HEIGHT - 4)))
    return cells


def _applicant_cells(keys: Sequence[KeyHint], top: int, bottom: int) -> list[_Cell]:
    left, right = WIDTH - COLUMN_PX, WIDTH - 5
    middle = (top + bottom) // 2
    halves = {
        Button.APPLICANT_YES: (left, top + 7, right, middle - 3),
        Button.APPLICANT_NO: (left, middle + 3, right, bottom - 5),
    }
    return [_cell(key, halves[key.button]) for key in keys]


def _cell(key: KeyHint, box: tuple[int, int, int, int]) -> _Cell:
    left, top, right, bottom = box
    width, height = right - left - CAP_PX - 12, bottom - top - 6
    english = key.text.en if key.text.en != key.text.vi else ""
    for vi_px, vi_width in KEY_VI:
        vi = wrap(key.text.vi, Face(vi_px, 650, vi_width), width, mono=False)
        for en_px, en_width in KEY_EN:
            if en_px >= vi_px:
                continue
            en = wrap(english, Face(en_px, 450, en_width), width, mono=False)
            whole = not any(line.joined for line in (*vi, *en))
            if whole and len(vi) <= 2 and len(en) <= 2 and _stack_height(vi, en) <= height:
                return _Cell(key.button, box, vi, en)
    return _Cell(key.button, box)


def _stack_height(vi: Sequence[Line], en: Sequence[Line]) -> int:
    return sum(line.above + line.below + 1 for line in (*vi, *en)) - 1 + (2 if en else 0)


def _paint_cell(canvas: Canvas, cell: _Cell) -> None:
    left, top, right, bottom = cell.box
    canvas.image.paste(EDGE, (left, top), _rounded(right - left, bottom - top, 7))
    canvas.image.paste(CARD, (left + 1, top + 1), _rounded(right - left - 2, bottom - top - 2, 6))
    middle = (top + bottom) // 2
    _bar(canvas, (left + 4, middle - CAP_PX // 2, left + 4 + CAP_PX, middle + CAP_PX // 2), CAPS[cell.button])
    _stamp(canvas, marks.key_mark(cell.button, CAP_PX - 6), (left + 7, middle - CAP_PX // 2 + 3), WHITE)
    y = middle - _stack_height(cell.vietnamese, cell.english) // 2
    block = f"key.{cell.button.value}"
    for lines, fill, language in ((cell.vietnamese, INK, "vi"), (cell.english, SOFT, "en")):
        y += 2 if language == "en" else 0
        for line in lines:
            canvas.line((left + CAP_PX + 8, y + line.above), line, fill, f"{block}.{language}")
            y += line.above + line.below + 1


def _paint_turn(canvas: Canvas, number: int, count: int, plan: _Plan, accent: Rgb) -> None:
    """Which page of how many: a row of dots."""
    bottom = plan.bottom
    left = SIDE + plan.width // 2 - (count * 11 - 5) // 2
    for page in range(count):
        x = left + page * 11
        _bar(canvas, (x, bottom - 10, x + 6, bottom - 4), accent if page == number else TRACK)


def _rounded(width: int, height: int, radius: float) -> Image.Image:
    big = Image.new("L", (width * 4, height * 4), 0)
    ImageDraw.Draw(big).rounded_rectangle((0, 0, width * 4 - 1, height * 4 - 1), radius * 4, fill=255)
    return big.resize((width, height), Image.Resampling.BOX)


def _stamp(canvas: Canvas, mask: Image.Image, at: tuple[int, int], fill: Rgb) -> None:
    canvas.image.paste(fill, at, mask)
