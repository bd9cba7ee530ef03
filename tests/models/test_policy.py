from __future__ import annotations

from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models import policy
from models.face.embed import MODEL_ID
from models.policy import Limit, Verdict

TEXT = resources.files("models.policy").joinpath("portrait-2026-11.toml").read_text("utf-8")


def test_the_policy_names_the_model_its_thresholds_were_measured_on() -> None:
    assert policy.valid_on(date(2026, 11, 21)).match.model_id == MODEL_ID


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (0.5, Verdict.ACCEPT),
        (0.4999, Verdict.REVIEW),
        (0.34, Verdict.REVIEW),
        (0.3399, Verdict.REJECT),
        (float("nan"), Verdict.REJECT),
    ],
)
def test_the_match_verdict_follows_the_thresholds(score: float, verdict: Verdict) -> None:
    assert policy.valid_on(date(2026, 11, 21)).match.verdict(score) is verdict


def test_the_policy_of_a_day_is_the_newest_that_has_begun() -> None:
    old = policy.parse(TEXT)
    new = old.model_copy(update={"policy_id": "new", "valid_from": date(2027, 3, 1)})

    assert policy.valid_on(date(2027, 2, 28), [new, old]).policy_id == "portrait-2026-11"
    assert policy.valid_on(date(2027, 3, 1), [new, old]).policy_id == "new"
    assert policy.valid_on(date(1970, 1, 1), [new, old]).policy_id == "portrait-2026-11"


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "\n[surprise]\nx = 1\n",
        TEXT.replace("accept = 0.50", "accept = 1.5"),
        TEXT.replace("min = 90.0", "minimum = 90.0"),
        TEXT.replace("min = -8.0", "min = 9.0"),
        TEXT.replace("valid_from = 2026-11-01", ""),
        TEXT.replace("[limits.yaw]", "[limits.yawn]"),
    ],
    ids=["unknown table", "threshold above one", "unknown end", "empty range", "no date", "unknown component"],
)
def test_a_policy_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        policy.parse(text)


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(-100, 0), st.floats(0, 100))
def test_a_limit_allows_its_range_and_never_nan(raw: float, low: float, high: float) -> None:
    assert Limit(min=low, max=high).allows(raw) == (low <= raw <= high)
