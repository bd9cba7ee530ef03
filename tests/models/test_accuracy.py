from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.accuracy import __main__ as command
from models.accuracy import plot, sets, statistics, verification
from models.face.pipeline import FacePipeline
from models.policy import FacePolicy

scores = st.lists(st.floats(-1, 1), min_size=2, max_size=60).map(np.array)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_gives_the_published_intervals(hits: int, total: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, method 3 (81 of 263), and the symmetric cases."""
    rate = statistics.wilson(hits, total)

    assert rate.value == hits / total
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-4)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sample"):
        statistics.wilson(0, 0)


@given(scores, st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.5]))
def test_a_threshold_keeps_its_false_accept_rate_and_a_lower_one_does_not(impostor: np.ndarray, far: float) -> None:
    threshold = statistics.threshold_at(impostor, far)
    below = np.nextafter(threshold, -np.inf)

    assert (impostor >= threshold).mean() <= far
    assert (impostor >= below).mean() > far


def test_apart_scores_have_no_error_and_mixed_ones_half() -> None:
    high, low = np.linspace(0.6, 0.9, 40), np.linspace(-0.2, 0.5, 400)

    assert statistics.equal_error(high, low) == 0.0
    assert statistics.equal_error(low, high) == pytest.approx(1.0)
    assert statistics.equal_error(low, low) == pytest.approx(0.5, abs=0.01)


def test_the_equal_error_rate_of_two_normal_distributions_is_the_known_one() -> None:
    """Means two deviations apart: half of the distance, Phi(-1) = 15.87 %."""
    random = np.random.default_rng(3)
    rate = statistics.equal_error_rate(random.normal(2, 1, 4000), random.normal(0, 1, 4000), rounds=50)

    assert rate.value == pytest.approx(0.1587, abs=0.012)
    assert rate.low < rate.value < rate.high


@settings(max_examples=50)
@given(scores, scores)
def test_a_roc_rises_from_nothing_to_everything(genuine: np.ndarray, impostor: np.ndarray) -> None:
    far, tar = statistics.roc(genuine, impostor)

    assert (far[0], tar[0], far[-1], tar[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(far) >= 0).all()
    assert (np.diff(tar) >= 0).all()
    assert 0.0 <= statistics.equal_error(genuine, impostor) <= 1.0


def test_fold_accuracy_uses_the_threshold_of_the_other_folds() -> None:
    values = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.7])
    same = np.array([True, False, True, False, True, False])

    assert statistics.fold_accuracy(values, same, np.array([0, 0, 1, 1, 2, 2]))[0] == pytest.approx(2 / 3)


def test_the_plot_is_well_formed_and_holds_its_curves() -> None:
    far, tar = statistics.roc(np.linspace(0.4, 1, 50), np.linspace(-1, 0.6, 500))
    root = ElementTree.fromstring(plot.svg([plot.Curve("one", far, tar)], "t"))

    assert any(element.text == "one" for element in root.iter())
    path = next(element for element in root.iter() if element.get("fill") == "none").get("d") or ""
    heights = [float(part.split("H")[0]) for part in path.split("V")[1:]]
    assert heights == sorted(heights, reverse=True)


def test_pairs_are_read_as_announced() -> None:
    text = "2\t1\nAnn\t1\t2\nAnn\t1\tBob\t3\nBob\t1\t2\nBob\t1\tAnn\t2\n"
    pairs = sets.parse_pairs(text)

    assert pairs.left[:2] == ("Ann_0001.jpg", "Ann_0001.jpg")
    assert pairs.right[:2] == ("Ann_0002.jpg", "Bob_0003.jpg")
    assert pairs.same == (True, False, True, False)
    assert pairs.fold == (0, 0, 1, 1)
    with pytest.raises(ValueError, match="announces"):
        sets.parse_pairs(text + "Bob\t1\t2\n")


def test_a_missed_face_is_an_error_on_both_sides() -> None:
    vectors = np.eye(3, verification.DIMENSION, dtype=np.float32)
    vectors[2] = np.nan
    made = verification.Templates(("a_1.jpg", "a_2.jpg", "b_1.jpg"), vectors)
    found = made.scores([0, 0, 0], [0, 2, 2], np.array([True, True, False]))

    assert made.missed == 1
    assert found.tolist() == [1.0, -1.0, 1.0]


def test_cross_identity_pairs_are_counted_once_and_never_within_a_person() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(1203, verification.DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = tuple(f"p{number // 3}_{number % 3:04d}.jpg" for number in range(1203))
    counts, total = verification.cross_identity(verification.Templates(names, vectors))

    assert total == 1203 * 1202 // 2 - 401 * 3
    assert counts.sum() == total


def test_sets_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(sets.SetMissing, match="lfw_pairs"):
        sets.lfw(tmp_path)
    with pytest.raises(sets.SetMissing, match="london_info"):
        sets.frll(tmp_path)


def test_the_sets_beside_the_checkout_are_read(faces_folder: Path) -> None:
    pictures, pairs = sets.lfw(faces_folder)
    names = {path.name for path in pictures}
    neutral, smiling, groups = sets.frll(faces_folder)

    assert (len(pictures), len(pairs.left), sum(pairs.same), max(pairs.fold)) == (7701, 6000, 3000, 9)
    assert {*pairs.left, *pairs.right} <= names
    assert len(neutral) == len(smiling) == 102
    assert {path.name[:3] for path in neutral} <= set(groups)
    for _, (left, right) in sets.pupils(neutral, faces_folder):
        assert left[0] < right[0]


def test_templates_and_reach_come_from_the_whole_pipeline(
    product: FacePipeline, policy: FacePolicy, faces_folder: Path, tmp_path: Path
) -> None:
    """A picture without a face is a row of NaN; faces of one person score high, of two persons low."""
    empty = tmp_path / "empty.png"
    Image.new("RGB", (160, 160), (90, 90, 90)).save(empty)
    folder = faces_folder / "frll"
    paths = [folder / "neutral/017_03.jpg", folder / "smiling/017_08.jpg", folder / "neutral/001_03.jpg", empty]
    made = verification.templates(product, policy, paths)
    found = made.scores([0, 0, 0], [1, 2, 3], np.array([True, False, False]))

    assert made.missed == 1
    assert found[0] > 0.7
    assert found[1] < 0.4
    assert found[2] == 1.0
    frame = command._frame(paths[0], 110)
    assert product.analyse(frame, policy).acceptable
