"""Conditions of the data files over named facts, and the small matcher that evaluates them.

A condition (`when`) is a list of alternatives; one that holds is enough. In an alternative every named fact must hold:

    fact = true | "text" | 7             equal
    fact = ["a", "b"]                    one of
    fact = { below = 6 }                 less than
    fact = { from = 0, to = 30 }         at least, at most
    fact = { not = "self" }              known and different
    fact = { known = false }             missing; every other test on a missing fact fails

Pure. Nothing is evaluated as code. Must never treat a missing fact as a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wire.rules.data_files import When

FactValue = bool | int | str | None
_NUMBER_TESTS = {"below", "from", "to"}
_TESTS = _NUMBER_TESTS | {"not", "known"}


@dataclass(frozen=True, slots=True)
class FactType:
    """What a fact can be.

    Args:
        kind: bool, int or str.
        choices: the values a text fact can have; empty for any.
    """

    kind: type[bool] | type[int] | type[str]
    choices: tuple[str, ...] = ()


def holds(when: When, facts: Mapping[str, FactValue]) -> bool:
    """Whether one alternative holds. Raises KeyError for a fact that is not there (see `faults`)."""
    for alternative in when:  # plain loops: this runs some forty times a decision
        for name, wanted in alternative.items():
            if not _test(facts[name], wanted):
                break
        else:
            return True
    return False


def _test(value: FactValue, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return _compare(value, wanted)
    if value is None:
        return False
    if isinstance(wanted, tuple):
        return value in wanted
    return value == wanted


def _compare(value: FactValue, tests: Mapping[str, object]) -> bool:
    if "known" in tests and (value is not None) != tests["known"]:
        return False
    others = {name: wanted for name, wanted in tests.items() if name != "known"}
    return not others or (value is not None and all(_one(value, name, wanted) for name, wanted in others.items()))


def _one(value: bool | int | str, name: str, wanted: object) -> bool:
    if name == "not":
        return value not in wanted if isinstance(wanted, tuple) else value != wanted
    if not isinstance(value, int) or not isinstance(wanted, int):
        return False
    if name == "below":
        return value < wanted
    return value >= wanted if name == "from" else value <= wanted


def faults(when: When, types: Mapping[str, FactType]) -> list[str]:
    """What is wrong with a condition, in words; empty when it can be evaluated."""
    if not when:
        return ["a condition needs at least one alternative"]
    return [
        fault for alternative in when for name, wanted in alternative.items() for fault in _faults(name, wanted, types)
    ]


def _faults(name: str, wanted: object, types: Mapping[str, FactType]) -> list[str]:
    if name not in types:
        return [f"unknown fact {name}"]
    fact = types[name]
    if not isinstance(wanted, dict):
        return _value_faults(name, wanted, fact)
    if not wanted or not wanted.keys() <= _TESTS:
        return [f"{name}: the tests are {', '.join(sorted(_TESTS))}"]
    found: list[str] = []
    for test, value in wanted.items():
        if test == "known":
            found += [] if isinstance(value, bool) else [f"{name}: known is true or false"]
        elif test == "not":
            found += _value_faults(name, value, fact)
        elif fact.kind is not int or type(value) is not int:
            found.append(f"{name}: {test} compares whole numbers")
    return found


def _value_faults(name: str, wanted: object, fact: FactType) -> list[str]:
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    wrong = [value for value in values if type(value) is not fact.kind]
    if wrong or not values:
        return [f"{name}: needs {fact.kind.__name__}"]
    unknown = [str(value) for value in values if fact.choices and value not in fact.choices]
    return [f"{name}: {', '.join(unknown)} is none of {', '.join(fact.choices)}"] if unknown else []
