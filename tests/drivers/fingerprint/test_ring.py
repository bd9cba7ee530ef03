"""What the officer reads on the display, the ring of the sensor says too (R503; the R307 has none)."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.fingerprint.port import AttemptOutcome, Prompt
from drivers.fingerprint.proto import Command
from drivers.fingerprint.remote import Applicant
from drivers.fingerprint.sensor import Light
from wire.fingers import FingerPosition

BLUE_BREATHES, PURPLE_ON, YELLOW_ON, GREEN_ON, RED_FLASHES, RED_OFF = (2, 1), (3, 3), (5, 3), (4, 3), (1, 2), (1, 4)


@pytest.fixture
def r503(sensors: Any) -> Any:
    rig = sensors("r503")
    rig.remote.clear()
    rig.remote.auto_off()
    rig.remote.request("swap", "r503")
    yield rig
    for driver in rig.opened:
        driver.close()
    rig.opened.clear()


def test_the_ring_goes_with_the_prompts(r503: Any) -> None:
    """Blue breathing: place. Purple: hold. Yellow: lift. Green at the end, off when the session opens."""
    driver = r503.ready()
    before = len(r503.remote.status()["ring"])
    applicant = Applicant(r503.remote, "alice")
    attempt = r503.capture(driver, FingerPosition.RIGHT_THUMB, applicant)
    lights = [tuple(light) for light in r503.remote.status()["ring"][before:]]

    assert attempt.outcome is AttemptOutcome.CAPTURED
    press = [BLUE_BREATHES, PURPLE_ON]
    assert lights == [*press, YELLOW_ON, *press, YELLOW_ON, *press, GREEN_ON]
    assert [shown.prompt for shown in applicant.seen if shown.prompt is Prompt.LIFT] == [Prompt.LIFT] * 2


def test_a_bad_press_and_a_failed_attempt_flash_red(r503: Any) -> None:
    """Red after every refused press, and red is the last light of an attempt that failed."""
    driver = r503.ready()
    before = len(r503.remote.status()["ring"])
    attempt = r503.capture(
        driver, FingerPosition.RIGHT_THUMB, Applicant(r503.remote, "alice", moisture=0.0), max_presses=3
    )
    lights = [tuple(light) for light in r503.remote.status()["ring"][before:]]

    assert attempt.outcome is AttemptOutcome.REJECTED
    assert lights.count(RED_FLASHES) >= len(attempt.log)
    assert lights[-1] == RED_FLASHES


def test_the_ring_is_dark_before_and_after_a_session(r503: Any) -> None:
    """Nobody is asked for anything."""
    driver = r503.ready()
    started = tuple(r503.remote.status()["ring"][-1])
    r503.capture(driver, FingerPosition.RIGHT_THUMB)
    driver.end_session()

    assert started == RED_OFF
    assert tuple(r503.remote.status()["ring"][-1]) == RED_OFF


def test_every_light_has_its_own_value() -> None:
    """Two meanings never look alike; colours 1 to 7 and modes 1 to 6 of the R503 manual, command 35."""
    values = [light.value for light in Light]

    assert len(set(values)) == len(values)
    assert all(1 <= color <= 7 and 1 <= mode <= 6 for color, mode in values)


def test_a_model_without_ring_is_not_sent_the_command(sensors: Any) -> None:
    """It would refuse it each time."""
    rig = sensors("r307")
    rig.remote.request("swap", "r307")
    before = rig.remote.status()["commands"].get(str(int(Command.AURA_LED)), 0)
    driver = rig.ready()
    rig.capture(driver, FingerPosition.RIGHT_THUMB)
    driver.close()
    rig.opened.clear()

    assert rig.remote.status()["commands"].get(str(int(Command.AURA_LED)), 0) == before
