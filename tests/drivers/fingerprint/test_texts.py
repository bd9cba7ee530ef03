"""Every prompt, verdict, finger and error has its sentence in both languages."""

from __future__ import annotations

import pytest

from drivers.fingerprint import errors
from drivers.fingerprint.port import PressVerdict, Prompt
from wire.catalogue import bundled
from wire.errors import EidError
from wire.fingers import FingerPosition
from wire.records.errors import RecordInvalid

KEYS = (
    [f"finger.prompt.{prompt.value}" for prompt in Prompt]
    + [f"finger.verdict.{verdict.value}" for verdict in PressVerdict]
    + [f"finger.position.{position.key}" for position in FingerPosition]
)
RAISED: list[EidError] = [
    errors.LinkError(device="fingerprint", reason="r"),
    errors.CommandRefused(device="fingerprint", command="STORE", code=24),
    errors.WrongPassword(device="fingerprint"),
    errors.WrongSensor(device="fingerprint", expected="R307", found="R503"),
    errors.StepUnfit(device="fingerprint", reason="r"),
    errors.SbiRejected(device="fingerprint", reason="r"),
    errors.SensorSilent(device="fingerprint", after_s=1.0),
    errors.SensorRestarted(device="fingerprint"),
    RecordInvalid(record="PNG", reason="r"),
]


@pytest.mark.parametrize("key", KEYS)
def test_what_the_screen_shows_has_a_text(key: str) -> None:
    """Catalogue keys follow from the values, so none may be missing."""
    text = bundled().text(key)

    assert text.vi
    assert text.en


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_every_error_says_what_to_do(error: EidError) -> None:
    """With the parameters the code gives it."""
    text = bundled().of_error(error)

    assert "{" not in text.vi + text.en


def test_every_error_class_is_covered() -> None:
    """A new class must be added above."""
    classes = {
        value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__
    }

    assert classes <= {type(error) for error in RAISED}
