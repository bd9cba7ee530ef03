"""Pages turn, idle displays dim, standing pictures move."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from drivers.display.draw import Layout
from drivers.display.port import Screen
from drivers.display.presenter import SHIFTS, Presenter


def test_only_a_change_makes_a_picture(plain_screen: Screen) -> None:
    """The same screen again is nothing new."""
    presenter = Presenter(Layout.LCD_320X240, 3.0, None)
    first = presenter.show(plain_screen, 0.0)
    again = presenter.show(replace(plain_screen), 1.0)

    assert first is not None
    assert (first.number, first.pages) == (1, 1)
    assert again is None
    assert presenter.next_change_s() is None


def test_pages_turn_by_themselves_and_begin_again(finger_screen: Screen) -> None:
    """A screen of several pages shows each in turn."""
    presenter = Presenter(Layout.OLED_128X64, 3.0, None)
    first = presenter.show(finger_screen, 100.0)
    numbers = []
    for turn in range(1, 6):
        assert presenter.tick(100.0 + 3 * turn - 0.1) is None
        assert presenter.next_change_s() == 100.0 + 3 * turn
        picture = presenter.tick(100.0 + 3 * turn)
        assert picture is not None
        numbers.append(picture.number)

    assert first is not None
    assert first.pages == 4
    assert numbers == [2, 3, 4, 1, 2]


def test_a_late_tick_skips_no_page(finger_screen: Screen) -> None:
    """After a stall the next page comes, and stands its full time."""
    presenter = Presenter(Layout.OLED_128X64, 3.0, None)
    presenter.show(finger_screen, 0.0)
    picture = presenter.tick(7.0)

    assert picture is not None
    assert picture.number == 2
    assert presenter.next_change_s() == 10.0


def test_a_new_screen_begins_with_its_first_page_and_wakes(finger_screen: Screen, plain_screen: Screen) -> None:
    """Dimming ends with the next thing to say."""
    presenter = Presenter(Layout.OLED_128X64, 3.0, None)
    presenter.show(finger_screen, 0.0)
    presenter.tick(3.0)
    dimmed = presenter.idle(True, 4.0)
    woken = presenter.show(plain_screen, 5.0)

    assert dimmed is not None
    assert dimmed.dim
    assert woken is not None
    assert (woken.dim, woken.number, woken.screen) == (False, 1, plain_screen)


def test_the_same_screen_wakes_a_dimmed_display(plain_screen: Screen) -> None:
    """Showing is a sign of life, also of the same."""
    presenter = Presenter(Layout.LCD_320X240, 3.0, None)
    presenter.show(plain_screen, 0.0)
    presenter.idle(True, 1.0)
    woken = presenter.show(plain_screen, 2.0)

    assert woken is not None
    assert not woken.dim
    assert presenter.idle(False, 3.0) is None


def test_a_standing_picture_moves_by_one_pixel(plain_screen: Screen) -> None:
    """Every place round the middle in turn, never more than a pixel away, never the same twice running."""
    presenter = Presenter(Layout.OLED_128X64, 3.0, 60.0)
    presenter.show(plain_screen, 0.0)
    moves = [presenter.tick(60.0 * turn) for turn in range(1, 19)]
    places = [picture.shift for picture in moves if picture is not None]

    assert len(places) == 18
    assert set(places) == set(SHIFTS) == {(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)}
    assert all(one != two for one, two in pairwise(places))


def test_nothing_happens_before_the_first_screen() -> None:
    """A display without a screen has no deadline."""
    presenter = Presenter(Layout.OLED_128X64, 3.0, 60.0)

    assert presenter.next_change_s() is None
    assert presenter.tick(1e9) is None
    assert presenter.again() is None
