"""The matcher of the data files' conditions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.rules.conditions import FactType, FactValue, faults, holds

FACTS: dict[str, FactValue] = {"age": 6, "owner": "self", "ward": False, "left": None}
TYPES = {"age": FactType(int), "owner": FactType(str, ("self", "other")), "ward": FactType(bool), "left": FactType(int)}


@pytest.mark.parametrize(
    ("alternative", "expected"),
    [
        ({}, True),
        ({"age": 6}, True),
        ({"age": 7}, False),
        ({"age": {"below": 6}}, False),
        ({"age": {"below": 7}}, True),
        ({"age": {"from": 6}}, True),
        ({"age": {"from": 7}}, False),
        ({"age": {"to": 6}}, True),
        ({"age": {"to": 5}}, False),
        ({"age": {"from": 1, "to": 9}}, True),
        ({"owner": "self", "ward": False}, True),
        ({"owner": "self", "ward": True}, False),
        ({"owner": ("other", "self")}, True),
        ({"owner": ("other",)}, False),
        ({"owner": {"not": "self"}}, False),
        ({"owner": {"not": "other"}}, True),
        ({"owner": {"not": ("other", "self")}}, False),
        ({"owner": {"known": True}}, True),
        ({"left": {"known": False}}, True),
        ({"left": {"known": True}}, False),
        ({"left": {"below": 0}}, False),
        ({"left": {"from": 0}}, False),
        ({"left": {"not": 3}}, False),
        ({"left": 0}, False),
        ({"age": {"known": False}}, False),
    ],
)
def test_what_an_alternative_means(alternative: dict[str, Any], expected: bool) -> None:
    """All facts of an alternative must hold; a missing fact holds nothing but `known = false`."""
    assert faults((alternative,), TYPES) == []
    assert holds((alternative,), FACTS) is expected


def test_one_alternative_is_enough_and_none_is_never() -> None:
    """Alternatives are joined by or."""
    assert holds(({"age": 7}, {"ward": False}), FACTS)
    assert not holds((), FACTS)


def test_truth_is_not_one() -> None:
    """A number test on a truth value, or the reverse, is found before anything is decided."""
    assert faults(({"ward": 0},), TYPES)
    assert faults(({"age": True},), TYPES)
    assert faults(({"ward": {"below": 1}},), TYPES)
    assert faults(({"age": {"below": True}},), TYPES)


wanted = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.sampled_from(["self", "other", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.sampled_from(["below", "from", "to", "not", "known", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(st.sampled_from([*FACTS, "unknown"]), wanted, max_size=3), max_size=3).map(tuple))
def test_a_condition_without_faults_can_always_be_evaluated(when: tuple[Any, ...]) -> None:
    """Fuzz: the check before is complete; nothing that passes it fails later."""
    if not faults(when, TYPES):
        assert holds(when, FACTS) in (True, False)
    else:
        assert all(isinstance(fault, str) for fault in faults(when, TYPES))
