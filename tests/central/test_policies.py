"""Plans and consent texts are dated data: the newest that has begun counts, a text never changes under its id."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest

from central import policies
from central.errors import DataFileInvalid, PlanUnknown
from wire.fingers import FingerPosition

TODAY = date(2026, 1, 8)


def test_plans_are_what_they_are_named() -> None:
    """As many fingers as the name says, no finger twice."""
    for plan_id, count in (("single-10", 10), ("single-4", 4), ("single-2", 2)):
        found = policies.plan(plan_id, TODAY)

        assert len(found.fingers) == len(set(found.fingers)) == count
        assert found.steps == []


def test_slap_plan_takes_four_four_and_both_thumbs() -> None:
    """All ten, each once; the steps are the plan in its order."""
    found = policies.plan("slap-442", TODAY)

    assert [len(step) for step in found.steps] == [4, 4, 2]
    assert [position for step in found.steps for position in step] == found.fingers
    assert set(found.fingers) == set(FingerPosition)
    for step, hand in zip(found.steps, ("right", "left"), strict=False):
        assert {position.key.split("_")[0] for position in step} == {hand}


@pytest.mark.parametrize(
    "text",
    [
        'fingers = ["right_index"]\nsteps = [["left_index"]]',
        "",
        'steps = [["right_index", "right_index"]]',
        'steps = [["right_index"], ["right_index"]]',
        "steps = [[]]",
        'steps = [["right_toe"]]',
        'steps = [["right_thumb", "right_index"]]',
        'steps = [["right_index", "left_index"]]',
        'steps = [["right_thumb", "right_index", "right_middle", "right_ring", "right_little"]]',
    ],
)
def test_plan_that_is_no_plan_is_refused(text: str) -> None:
    """Either fingers or steps, each finger once, at most four together."""
    file = f'valid_from = 2020-01-01\nsource = "x"\n[plans.odd]\n{text}\n'
    with pytest.raises(DataFileInvalid):
        policies._read(policies._PlanFile, "plan-odd.toml", file)


def test_two_finger_plan_takes_the_index_fingers() -> None:
    """In the order of capture."""
    assert policies.plan("single-2", TODAY).fingers == [FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX]


def test_unknown_plan_names_the_known_ones() -> None:
    """So that the desk can choose."""
    with pytest.raises(PlanUnknown) as caught:
        policies.plan("single-3", TODAY)

    assert caught.value.params["known"] == "single-10, single-2, single-4, slap-442"


def test_nothing_is_in_force_before_the_first_file() -> None:
    """A clock in 1970 is not guessed around."""
    with pytest.raises(DataFileInvalid):
        policies.plan("single-2", date(1970, 1, 1))
    with pytest.raises(DataFileInvalid):
        policies.consent(date(1970, 1, 1))


def test_consent_text_is_bound_to_its_hash() -> None:
    """A changed text needs a new file and a new id: bundles name this hash for ever."""
    text = policies.consent(TODAY)

    assert text.sha256 == hashlib.sha256(f"{text.vi}\n{text.en}\n{text.other}".encode()).digest()
    assert (text.text_id, text.sha256.hex()[:16]) == ("consent-2025-07-01", FIRST_TEXT)
    assert "ảnh khuôn mặt, vân tay (dữ liệu cá nhân nhạy cảm)" in text.vi


FIRST_TEXT = "fdb477750ae130de"


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        'valid_from = 2025-07-01\nsource = "x"\n[plans.a]\nfingers = ["right_toe"]',
        'valid_from = 2025-07-01\nsource = "x"\n[plans.a]\nfingers = ["right_index", "right_index"]',
        'valid_from = 2025-07-01\nsource = "x"\ncolour = 1\n[plans.a]\nfingers = ["right_index"]',
        'source = "x"\n[plans.a]\nfingers = ["right_index"]',
    ],
)
def test_data_file_with_a_fault_is_refused(text: str) -> None:
    """Unknown finger, finger twice, unknown key, no date."""
    with pytest.raises(DataFileInvalid):
        policies._read(policies._PlanFile, "plan-x.toml", text)
