"""Debouncing: one touch is one press, whatever the contact does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.panel.debounce import NS_PER_S, DebouncePolicy, Debouncer, Press, PressKind
from drivers.panel.port import Button, Edge

MS = 1_000_000
OK, BACK = Button.OFFICER_OK, Button.OFFICER_BACK
START = 5 * NS_PER_S


def play(edges: list[tuple[Button, bool, int]], until_ms: int = 60_000) -> list[Press]:
    """All presses of a row of edges (button, pressed, ms), with a tick at every deadline as the owner loop does it."""
    debouncer = Debouncer()
    presses: list[Press] = []
    for button, pressed, at_ms in edges:
        now_ns = START + at_ms * MS
        while (deadline_ns := debouncer.next_deadline_ns()) is not None and deadline_ns <= now_ns:
            presses += debouncer.tick(deadline_ns)
        presses += debouncer.edge(Edge(button, pressed, now_ns))
    while (deadline_ns := debouncer.next_deadline_ns()) is not None and deadline_ns <= START + until_ms * MS:
        presses += debouncer.tick(deadline_ns)
    return presses


def at(button: Button, kind: PressKind, ms: int) -> Press:
    return Press(button, kind, START + ms * MS)


def test_a_tap_fires_on_touch() -> None:
    """A button without a long meaning answers at once, not on release."""
    presses = play([(OK, True, 0), (OK, False, 80)])

    assert presses == [at(OK, PressKind.TAP, 0)]


def test_a_tap_of_back_fires_on_release() -> None:
    """While OFFICER_BACK is down nobody knows yet whether it means back or cancel."""
    presses = play([(BACK, True, 0), (BACK, False, 1400)])

    assert presses == [at(BACK, PressKind.TAP, 1400)]


def test_a_long_press_fires_once_when_its_limit_passes_while_held() -> None:
    """LONG comes at the limit and not at the release; the release then means nothing."""
    presses = play([(BACK, True, 0), (BACK, False, 9000)])

    assert presses == [at(BACK, PressKind.LONG, 1500)]


def test_bounces_on_touch_and_release_are_one_press() -> None:
    """A chattering contact is one touch."""
    touch = [(OK, step % 2 == 0, step) for step in range(9)]
    release = [(OK, step % 2 == 1, 200 + step) for step in range(9)]
    presses = play([*touch, *release])

    assert presses == [at(OK, PressKind.TAP, 0)]


def test_a_bouncing_long_press_is_still_long() -> None:
    """Chatter at touch must not restart or spoil the measure."""
    presses = play(
        [
            (BACK, True, 0),
            (BACK, False, 2),
            (BACK, True, 4),
            (BACK, False, 2000),
            (BACK, True, 2002),
            (BACK, False, 2004),
        ]
    )

    assert presses == [at(BACK, PressKind.LONG, 1500)]


def test_two_taps_are_two_presses() -> None:
    """Debouncing must not eat the second tap of a quick hand."""
    presses = play([(OK, True, 0), (OK, False, 60), (OK, True, 120), (OK, False, 180)])

    assert presses == [at(OK, PressKind.TAP, 0), at(OK, PressKind.TAP, 120)]


def test_a_stuck_button_does_not_repeat_and_is_reported() -> None:
    """A jammed button gives one press for ever, and can be seen."""
    debouncer = Debouncer(DebouncePolicy(stuck_s=10))
    first = debouncer.edge(Edge(OK, True, START))
    later = [press for second in range(1, 600) for press in debouncer.tick(START + second * NS_PER_S)]

    assert len(first) == 1
    assert later == []
    assert debouncer.stuck(START + 9 * NS_PER_S) == frozenset()
    assert debouncer.stuck(START + 10 * NS_PER_S) == {OK}


def test_a_lost_release_does_not_eat_the_next_press() -> None:
    """Two presses in a row without a release between: the release was missed."""
    presses = play([(OK, True, 0), (OK, True, 1000), (OK, False, 1100)])

    assert presses == [at(OK, PressKind.TAP, 0), at(OK, PressKind.TAP, 1000)]


def test_a_lost_press_gives_nothing() -> None:
    """A release out of the blue is no press."""
    assert play([(OK, False, 0), (BACK, False, 10)]) == []


def test_buttons_do_not_disturb_each_other() -> None:
    """Presses at the same time are independent."""
    presses = play([(BACK, True, 0), (OK, True, 0), (OK, False, 50), (BACK, False, 3000)])

    assert presses == [at(OK, PressKind.TAP, 0), at(BACK, PressKind.LONG, 1500)]


def test_a_limit_shorter_than_settling_is_refused() -> None:
    """Such a policy could never tell a tap from a long press."""
    with pytest.raises(ValueError, match="longer than settle_s"):
        DebouncePolicy(settle_s=0.5, long_s={BACK: 0.1})


def _cumulated(steps: list[tuple[Button, bool, int]]) -> list[tuple[Button, bool, int]]:
    now = 0
    edges = []
    for button, pressed, wait_ms in steps:
        now += wait_ms
        edges.append((button, pressed, now))
    return edges


any_edges = st.lists(st.tuples(st.sampled_from(list(Button)), st.booleans(), st.integers(0, 300)), max_size=80).map(
    _cumulated
)


@given(any_edges)
def test_any_edges_give_at_most_one_press_for_each_contact(edges: list[tuple[Button, bool, int]]) -> None:
    """Whatever comes in: never more presses of a button than press edges of it, in order of time, never early."""
    presses = play(edges)

    assert presses == sorted(presses, key=lambda press: press.monotonic_ns)
    for button in Button:
        contacts = sum(1 for edge in edges if edge[0] is button and edge[1])
        assert sum(press.button is button for press in presses) <= contacts
        assert all(press.kind is PressKind.TAP for press in presses if press.button is button and button is not BACK)


@example(
    [
        (Button.OFFICER_OK, True, 0),
        (Button.OFFICER_OK, False, 20),
        (Button.OFFICER_OK, True, 20),
        (Button.OFFICER_OK, True, 40),
    ]
)
@given(any_edges)
def test_presses_of_one_button_keep_their_distance(edges: list[tuple[Button, bool, int]]) -> None:
    """No two presses of a button come closer than it takes a contact to settle."""
    for button in Button:
        own = [press.monotonic_ns for press in play(edges) if press.button is button]

        assert all(after - before >= 20 * MS for before, after in pairwise(own))


@given(
    st.lists(st.integers(0, 19), min_size=1, max_size=25),
    st.lists(st.integers(0, 19), max_size=25),
    st.integers(25, 1400),
)
def test_any_chatter_is_one_touch(touch: list[int], release: list[int], held_ms: int) -> None:
    """Chatter with gaps below the settling time is one press, however long it lasts."""
    edges: list[tuple[Button, bool, int]] = [(OK, True, 0)]
    now = 0
    for gap in touch:
        edges.append((OK, not edges[-1][1], now := now + gap))
    if not edges[-1][1]:
        edges.append((OK, True, now := now + 1))
    now += held_ms
    edges.append((OK, False, now))
    for gap in release:
        edges.append((OK, not edges[-1][1], now := now + gap))
    if edges[-1][1]:
        edges.append((OK, False, now + 1))

    assert play(edges) == [at(OK, PressKind.TAP, 0)]


@given(st.integers(30, 5000))
def test_a_clean_hold_is_decided_by_its_length_alone(held_ms: int) -> None:
    """Below the limit TAP, from the limit LONG; always exactly one."""
    presses = play([(BACK, True, 0), (BACK, False, held_ms)])

    expected = at(BACK, PressKind.TAP, held_ms) if held_ms < 1500 else at(BACK, PressKind.LONG, 1500)
    assert presses == [expected]
