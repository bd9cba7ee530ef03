"""Guidance without flicker, and the moment of the shot."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from station.workflow.guidance import Guide, Window

FRAME_NS = 66_000_000


def shown(said: list[str | None]) -> list[str | None]:
    """What stands on the display after each frame, at 15 frames a second, long after the start."""
    guide = Guide()
    found = []
    for number, sentence in enumerate(said):
        guide.frame(sentence, 10**10 + number * FRAME_NS)
        found.append(guide.shown)
    return found


def test_one_odd_frame_changes_nothing() -> None:
    """A blink is not a sentence."""
    assert set(shown([None] * 5 + ["open-eyes"] + [None] * 5)[4:]) == {None}


def test_a_steady_fault_is_told() -> None:
    """Three frames in a row are enough."""
    assert shown(["closer"] * 4)[-1] == "closer"


@given(st.lists(st.sampled_from([None, "closer", "back", "look-straight"]), min_size=1, max_size=200))
def test_a_sentence_stays_long_enough_to_be_read(said: list[str | None]) -> None:
    """No two changes within 0.8 s, whatever the frames say."""
    found = shown(said)
    changes = [number for number in range(1, len(found)) if found[number] != found[number - 1]]

    assert all((later - sooner) * FRAME_NS >= 800_000_000 for sooner, later in itertools.pairwise(changes))


@given(st.integers(min_value=1, max_value=10), st.lists(st.booleans(), max_size=60))
def test_the_shot_needs_every_frame_of_the_window(frames: int, held: list[bool]) -> None:
    """One failed gate begins the window anew."""
    window = Window(frames)
    for number, acceptable in enumerate(held):
        due = window.frame(acceptable)
        last = held[max(0, number - frames + 1) : number + 1]

        assert due == (len(last) == frames and all(last))
