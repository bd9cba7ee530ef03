"""The evaluation sets: which pictures, which pairs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

FACES = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"


class SetMissing(FileNotFoundError):
    """An evaluation set is not on this machine."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The 6,000 pairs of LFW View 2: file names, whether they show one person, and the fold of each."""

    left: tuple[str, ...]
    right: tuple[str, ...]
    same: tuple[bool, ...]
    fold: tuple[int, ...]


def lfw(folder: Path = FACES) -> tuple[list[Path], Pairs]:
    """All pictures of View 2 and its pairs. Raises SetMissing."""
    pictures = sorted((folder / "lfw150").glob("*.jpg"))
    listing = folder / "lfw_pairs.txt"
    if not pictures or not listing.is_file():
        raise SetMissing(str(listing))
    return pictures, parse_pairs(listing.read_text("utf-8"))


def parse_pairs(text: str) -> Pairs:
    """The official pairs.txt: folds of matched lines (name, n, m) and mismatched ones (name, n, name, m)."""
    lines = [line.split("\t") for line in text.splitlines() if line.strip()]
    folds, each = int(lines[0][0]), int(lines[0][1])
    rows = lines[1:]
    if len(rows) != folds * each * 2:
        raise ValueError("pairs.txt does not hold the pairs it announces")
    left, right, same = [], [], []
    for row in rows:
        matched = len(row) == 3
        left.append(f"{row[0]}_{int(row[1]):04d}.jpg")
        right.append(f"{row[0]}_{int(row[2]):04d}.jpg" if matched else f"{row[2]}_{int(row[3]):04d}.jpg")
        same.append(matched)
    return Pairs(tuple(left), tuple(right), tuple(same), tuple(number // (2 * each) for number in range(len(rows))))


def frll(folder: Path = FACES) -> tuple[list[Path], list[Path], dict[str, str]]:
    """Neutral and smiling portraits in the same order of persons, and each person's group. Raises SetMissing."""
    neutral = sorted((folder / "frll" / "neutral").glob("*.jpg"))
    smiling = sorted((folder / "frll" / "smiling").glob("*.jpg"))
    listing = folder / "frll" / "london_info.csv"
    people = [path.name[:3] for path in neutral]
    if not neutral or people != [path.name[:3] for path in smiling] or not listing.is_file():
        raise SetMissing(str(listing))
    with listing.open(newline="", encoding="utf-8") as opened:
        groups = {row["face_id"]: row["face_eth"] for row in csv.DictReader(opened)}
    return neutral, smiling, groups


Points = tuple[tuple[float, float], tuple[float, float]]


def pupils(portraits: list[Path], folder: Path = FACES) -> list[tuple[Path, Points]]:
    """True pupils of neutral portraits: at image left, at image right, pixels. Raises SetMissing."""
    listing = folder / "frll" / "neutral_pupils_675px.csv"
    if not listing.is_file():
        raise SetMissing(str(listing))
    with listing.open(newline="", encoding="utf-8") as opened:
        rows = {Path(row[0]).stem: [float(cell) for cell in row[1:5]] for row in list(csv.reader(opened))[1:]}
    known = [(path, rows[path.stem]) for path in portraits if path.stem in rows]
    return [(path, _left_first((values[0], values[1]), (values[2], values[3]))) for path, values in known]


def _left_first(one: tuple[float, float], other: tuple[float, float]) -> Points:
    return (one, other) if one[0] <= other[0] else (other, one)
