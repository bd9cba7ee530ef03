"""The case order and the small vocabularies beside it."""

from __future__ import annotations

import hashlib

import pytest

from tests.wire import samples
from wire.case import QR_PREFIX, qr_text
from wire.fingers import FingerPosition


def test_the_qr_code_holds_the_dossier_id_and_nothing_else() -> None:
    """P2: whoever photographs the dossier's code learns an id."""
    assert qr_text(samples.DOSSIER_ID) == QR_PREFIX + samples.DOSSIER_ID == f"EID1:{samples.DOSSIER_ID}"


def test_finger_positions_are_the_standards_numbers() -> None:
    """ISO/IEC 19794-4: they stand in records kept for years."""
    numbers = {position.key: int(position) for position in FingerPosition}
    fingers = ("thumb", "index", "middle", "ring", "little")
    hands = [f"{side}_{finger}" for side in ("right", "left") for finger in fingers]

    assert numbers == {key: number for number, key in enumerate(hands, start=1)}
    assert [FingerPosition.from_key(key) for key in hands] == list(FingerPosition)
    with pytest.raises(KeyError):
        FingerPosition.from_key("right_sixth")


def test_the_consent_hash_is_over_the_three_texts_with_line_feeds_between() -> None:
    """Also with the third language."""
    text = samples.consent_text()
    joined = f"{text.vi}\n{text.en}\n{text.other}".encode()

    assert text.sha256 == hashlib.sha256(joined).digest()


@pytest.mark.parametrize("code", ["7K3", "7k3m", "7K3MIL", "7K3M 7", "7" * 13, "７K3M"])
def test_a_short_code_is_four_to_twelve_clear_letters(code: str) -> None:
    """It is read aloud at a desk: no I, L, O, U."""
    with pytest.raises(ValueError, match="code"):
        samples.order(code=code)
