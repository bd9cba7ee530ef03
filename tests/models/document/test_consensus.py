from __future__ import annotations

import random

from models.document.consensus import REMEMBERED, MrzConsensus
from tests.models.document.pages import random_zone

GOOD = random_zone(random.Random(1))
OTHER = random_zone(random.Random(2))
WRONG_NAME = (GOOD[0].replace("<<", "<X", 1), GOOD[1])


def test_one_frame_is_never_enough() -> None:
    """However good it looks."""
    consensus = MrzConsensus()

    assert consensus.add(GOOD) is None
    assert consensus.add(None) is None


def test_the_same_text_in_two_frames_is_accepted() -> None:
    """Frames without a reading between them do no harm."""
    consensus = MrzConsensus()
    consensus.add(GOOD)
    consensus.add(None)

    assert consensus.add(GOOD) == GOOD


def test_texts_that_differ_are_not_accepted() -> None:
    """Names have no check digit: both readings look right."""
    consensus = MrzConsensus()

    assert consensus.add(GOOD) is None
    assert consensus.add(WRONG_NAME) is None


def test_a_tie_needs_a_further_frame() -> None:
    """Two against two says nothing."""
    consensus = MrzConsensus()
    consensus.add(WRONG_NAME)
    consensus.add(GOOD)
    consensus.add(WRONG_NAME)

    assert consensus.add(GOOD) is None
    assert consensus.add(GOOD) == GOOD


def test_a_text_whose_check_digits_do_not_fit_does_not_count() -> None:
    """Wherever it comes from."""
    broken = (GOOD[0], GOOD[1][:-1] + str((int(GOOD[1][-1]) + 1) % 10))
    consensus = MrzConsensus()
    consensus.add(broken)

    assert consensus.add(broken) is None
    assert consensus.add(("", "")) is None


def test_another_page_is_not_held_up_by_an_earlier_one() -> None:
    """Old readings are forgotten, at once with `reset`."""
    consensus = MrzConsensus()
    for _ in range(REMEMBERED):
        consensus.add(OTHER)
    found = [consensus.add(GOOD) for _ in range(REMEMBERED)]

    assert found[0] is None
    assert found[-1] == GOOD
    consensus.reset()
    assert consensus.add(GOOD) is None
