"""Which persons the demo embedding is trained on and which it is measured on.

LFW View 2 has ten folds whose persons do not overlap. The last folds are held out whole, so that every official pair
of them is a pair of persons the training never saw. Must never put one person on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.accuracy.sets import Pairs

HELD_OUT_FOLDS = (8, 9)
"""Counted from 0: the last two of ten."""


@dataclass(frozen=True, slots=True)
class Split:
    """File names, sorted. `pairs` are the official pairs of the held-out folds, as positions in the list."""

    training: tuple[str, ...]
    held_out: tuple[str, ...]
    pairs: tuple[int, ...]


def person(name: str) -> str:
    """The person of a picture: `Some_Name_0003.jpg` shows `Some_Name`."""
    return name.rsplit("_", 1)[0]


def split(names: Iterable[str], pairs: Pairs, held_out_folds: tuple[int, ...] = HELD_OUT_FOLDS) -> Split:
    """Divides pictures by person.

    Raises:
        ValueError: a person occurs in a held-out fold and in another one, so that the folds cannot be divided.
    """
    inside, outside = set[str](), set[str]()
    chosen = []
    for number, (left, right, fold) in enumerate(zip(pairs.left, pairs.right, pairs.fold, strict=True)):
        if fold in held_out_folds:
            inside.update((person(left), person(right)))
            chosen.append(number)
        else:
            outside.update((person(left), person(right)))
    both = sorted(inside & outside)
    if both:
        raise ValueError(f"{len(both)} persons on both sides of the split")
    ordered = sorted(names)
    held_out = tuple(name for name in ordered if person(name) in inside)
    return Split(tuple(name for name in ordered if person(name) not in inside), held_out, tuple(chosen))
