"""No text is ever clipped: everything a screen says stands whole on its pages."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drivers.display.colour import PALETTES
from drivers.display.draw import Layout, Page, draw
from drivers.display.flow import words_of
from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button
from wire.catalogue import Text, bundled

SIZES = {Layout.OLED_128X64: (128, 64), Layout.LCD_320X240: (320, 240)}
SMALLEST_PX = {Layout.OLED_128X64: 11, Layout.LCD_320X240: 10}
LETTERS = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxy"
    "àáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵAĂÂĐÊÔƠƯẮẶỄỘ0123456789.,:;/-()"
)


def said(screen: Screen) -> dict[str, str]:
    """Every text of a screen by the block it must appear in."""
    texts = {"title": screen.title, **{f"line{number}": line for number, line in enumerate(screen.lines)}}
    texts |= {f"key.{key.button.value}": key.text for key in screen.keys}
    blocks = {
        f"{name}.{language}": getattr(text, language) for name, text in texts.items() for language in ("vi", "en")
    }
    for name, text in texts.items():
        if text.vi == text.en:
            del blocks[f"{name}.en"]
    return blocks | ({"detail": screen.detail} if screen.detail else {})


def shown(pages: list[Page]) -> dict[str, list[list[str]]]:
    """For every block its words, page by page."""
    found: dict[str, list[list[str]]] = {}
    for page in pages:
        for block, runs in groupby(
            sorted(enumerate(page.runs), key=lambda run: (run[1].block, run[0])), lambda run: run[1].block
        ):
            words: list[str] = []
            joined = False
            for _, run in runs:
                new = run.text.split()
                if joined:
                    words[-1] += new.pop(0)
                words += new
                joined = run.joined
            found.setdefault(block, []).append(words)
    return found


def check(screen: Screen, layout: Layout) -> list[Page]:
    """Everything is whole, inside, apart and large enough."""
    pages = draw(screen, layout)
    found = shown(pages)
    for block, text in said(screen).items():
        expected = words_of(text)
        if block.startswith("key.") and layout is Layout.OLED_128X64 and block not in found:
            # The bottom row of the OLED has one block for both languages, which take turns.
            assert expected in found[block.rsplit(".", 1)[0]], (block, found)
            continue
        assert whole(found.get(block, []), expected), (block, expected, found.get(block))
    for page in pages:
        check_page(page, layout)
    return pages


def whole(pages: list[list[str]], expected: list[str]) -> bool:
    """The words stand complete on one page, or run through the pages, once or in each turn."""
    if not expected or expected in pages:
        return True
    running = joined_pages(pages)
    return any(running == "".join(expected) * turns for turns in range(1, len(pages) + 1))


def joined_pages(pages: list[list[str]]) -> str:
    return "".join(word for page in pages for word in page)


def check_page(page: Page, layout: Layout) -> None:
    width, height = SIZES[layout]
    margin = 1 if layout is Layout.OLED_128X64 else 0

    assert page.image.size == (width, height)
    for run in page.runs:
        left, top, right, bottom = run.box
        assert margin <= left <= right <= width - margin, run
        assert margin <= top <= bottom <= height - margin, run
        assert run.size_px >= SMALLEST_PX[layout], run
    for one, other in combinations(page.runs, 2):
        apart = (
            one.box[2] <= other.box[0]
            or other.box[2] <= one.box[0]
            or one.box[3] <= other.box[1]
            or other.box[3] <= one.box[1]
        )
        assert apart, (one, other)


def key_of(button: Button, text: Text) -> KeyHint:
    return KeyHint(button, text)


# A pool of words rather than endless new ones: measuring a word anew costs more than placing it.
POOL = [LETTERS[start : start + length] for start in range(0, len(LETTERS), 7) for length in (1, 2, 4, 7)]
POOL += ["nghiêng", "Nguyễn", "/dev/serial/by-id/usb-0", "W" * 12, "Ễ" * 30, "a" * 60]
words = st.sampled_from(POOL)
sentences = st.lists(words, min_size=1, max_size=30).map(" ".join)
texts = st.builds(Text, sentences, sentences)
short_texts = st.builds(
    Text, st.lists(words, min_size=1, max_size=3).map(" ".join), st.lists(words, min_size=1, max_size=3).map(" ".join)
)
keys = st.lists(st.sampled_from(list(Button)), unique=True, max_size=5).flatmap(
    lambda buttons: st.tuples(*[st.builds(KeyHint, st.just(button), short_texts) for button in buttons])
)
screens = st.builds(
    Screen,
    screen_id=st.just("any.screen"),
    title=texts | short_texts,
    lines=st.lists(texts, max_size=3).map(tuple),
    tone=st.sampled_from(list(Tone)),
    icon=st.sampled_from(list(Icon)),
    progress=st.none() | st.tuples(st.integers(0, 12), st.integers(0, 10)),
    keys=keys,
    detail=st.just("") | st.text(alphabet="ABC0123456789-", min_size=1, max_size=30),
    hand=st.lists(st.integers(1, 10), unique=True, max_size=4).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(screens, st.sampled_from(list(Layout)))
def test_any_screen_is_shown_whole(screen: Screen, layout: Layout) -> None:
    """Long titles, five keys, words that no line can hold: nothing is lost, nothing overlaps."""
    check(screen, layout)


@pytest.mark.parametrize("layout", list(Layout))
def test_every_text_of_the_catalogue_is_shown_whole(layout: Layout) -> None:
    """As a title and as a line, in an alarm with the usual keys, where room is least."""
    catalogue = bundled()
    hints = (
        key_of(Button.OFFICER_OK, Text("Thử lại", "Try again")),
        key_of(Button.OFFICER_BACK, Text("Quay lại", "Back")),
    )
    for key in catalogue:
        text = catalogue._texts[key]
        check(Screen(key, text, (text,), Tone.ERROR, Icon.ERROR, keys=hints), layout)


@pytest.mark.parametrize("layout", list(Layout))
def test_the_usual_screen_fits_few_pages(layout: Layout, finger_screen: Screen) -> None:
    """On the LCD all of it on one page; on the OLED finger and hand on the first."""
    pages = check(finger_screen, layout)
    first = {run.block for run in pages[0].runs}

    assert len(pages) == (1 if layout is Layout.LCD_320X240 else 4)
    assert {"title.vi", "title.en"} <= first


@pytest.mark.parametrize("layout", list(Layout))
def test_vietnamese_is_first_and_largest(layout: Layout, plain_screen: Screen) -> None:
    """The title stands above its English and is larger than anything else."""
    page = draw(plain_screen, layout)[0]
    title, english = page.runs[:2]

    assert (title.block, english.block) == ("title.vi", "title.en")
    assert title.box[3] < english.box[1]
    assert title.size_px > 1.2 * english.size_px


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("finger", range(1, 11))
def test_each_finger_has_a_picture_of_its_own(layout: Layout, finger: int, finger_screen: Screen) -> None:
    """Right hand on the right half, left hand on the left half of the picture, and no two fingers alike."""
    others = {
        draw(replace(finger_screen, hand=other), layout)[0].image.tobytes()
        for other in ((), *((number,) for number in range(1, 11) if number != finger))
    }
    picture = draw(replace(finger_screen, hand=(finger,)), layout)[0].image.tobytes()

    assert picture not in others


def test_the_highlighted_finger_lies_on_its_hand() -> None:
    """Seen from above: the right hand lies on the right, thumbs inside, little fingers outside."""
    from drivers.display.marks import hands

    centres = {}
    for finger in range(1, 11):
        box = hands((finger,), 60)[1].getbbox()
        assert box is not None
        centres[finger] = (box[0] + box[2]) / 2
    middle = hands((), 60)[0].width / 2

    assert middle < centres[1] < centres[2] < centres[3] < centres[4] < centres[5]
    assert middle > centres[6] > centres[7] > centres[8] > centres[9] > centres[10]
    assert hands((), 60)[1].getbbox() is None


def test_the_oled_leaves_its_edge_free_for_the_shift(finger_screen: Screen) -> None:
    """Moving the picture by a pixel against burn-in must not cut it."""
    for page in draw(finger_screen, Layout.OLED_128X64):
        edge = [
            page.image.crop(box).getbbox()
            for box in ((0, 0, 128, 1), (0, 63, 128, 64), (0, 0, 1, 64), (127, 0, 128, 64))
        ]

        assert edge == [None] * 4


@pytest.mark.parametrize("layout", list(Layout))
def test_ink_stays_in_the_box_of_its_run(layout: Layout, finger_screen: Screen) -> None:
    """Boxes are measured, not guessed: blanking them leaves no pixel of the title."""
    page = draw(finger_screen, layout)[0]
    without = draw(replace(finger_screen, title=Text("-", "-")), layout)
    title = [run for run in page.runs if run.block == "title.vi"]
    image = page.image.convert("L")
    ground = image.getpixel((title[0].box[0], title[0].box[1] - 1))
    strip = image.crop((title[0].box[0], title[0].box[3] + 1, title[0].box[2], title[0].box[3] + 2))

    assert without
    assert set(strip.getdata() if not hasattr(strip, "get_flattened_data") else strip.get_flattened_data()) == {ground}


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance (WCAG 2.1)."""
    linear = [part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("tone", list(Tone))
def test_text_contrasts_with_its_ground(tone: Tone) -> None:
    """At least 4.5:1, WCAG 2.1 level AA, for the title and its English."""
    palette = PALETTES[tone]
    for text in (palette.text, palette.soft):
        light, dark = sorted((luminance(text), luminance(palette.band)), reverse=True)

        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_drawing_is_the_same_every_time(finger_screen: Screen) -> None:
    """Pure: same screen, same pixels."""
    for layout in Layout:
        one, two = (draw(finger_screen, layout) for _ in range(2))

        assert [page.image.tobytes() for page in one] == [page.image.tobytes() for page in two]
        assert all(isinstance(page.image, Image.Image) for page in one)


@pytest.mark.parametrize("progress", [(0, 0), (5, 0), (-1, 10), (99, 10)])
@pytest.mark.parametrize("layout", list(Layout))
def test_odd_progress_is_drawn_all_the_same(layout: Layout, progress: tuple[int, int]) -> None:
    """A display must never stop a capture for a number."""
    check(Screen("x", Text("Đang gửi", "Sending"), progress=progress), layout)


@pytest.mark.parametrize("tone", [Tone.WARNING, Tone.ERROR])
def test_alarms_are_inverted_on_the_oled(tone: Tone, plain_screen: Screen) -> None:
    """Without colour the tone shows as black on white."""
    calm = draw(plain_screen, Layout.OLED_128X64)[0].image.convert("L").resize((1, 1), Image.Resampling.BOX)
    alarm = (
        draw(replace(plain_screen, tone=tone), Layout.OLED_128X64)[0]
        .image.convert("L")
        .resize((1, 1), Image.Resampling.BOX)
    )

    assert alarm.getpixel((0, 0)) > calm.getpixel((0, 0))
