"""Display and LED are one fold of the state, and say what is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.display.port import Tone
from drivers.fingerprint.port import PressVerdict, Progress, Prompt
from drivers.panel.port import Pattern
from station.workflow import events as ev
from station.workflow.state import State, Step
from station.workflow.view import view
from tests.station.workflow.conftest import BUNDLE, make_case
from tests.station.workflow.playing import documented, opened, pictured, reviewed, run
from wire.catalogue import bundled
from wire.fingers import FingerPosition
from wire.messages import CaseState

TEXTS = bundled()


def texts_of(state: State) -> str:
    screen = view(state, TEXTS).screen
    return "\n".join(text.en for text in (screen.title, *screen.lines))


def test_idle_tells_what_the_officer_must_know(idle: State) -> None:
    """Cases waiting, no connection, what is unsent, an untrusted clock."""
    state = replace(idle, queue=(ev.CaseRef(BUNDLE),), link_connected=False, waiting=3, clock_trusted=True)

    assert "Cases waiting: 1" in texts_of(state)
    assert "Server connection lost" in texts_of(state)
    assert "Queued to send: 3" in texts_of(state)


def test_link_trouble_is_told_in_its_own_words(idle: State) -> None:
    """An expired certificate is not just `offline`."""
    where = {"host": "broker.example.org", "port": 8883}
    state, _ = run(idle, ev.LinkChanged(False, 0, 0, "error.link.unreachable", where))

    assert "broker.example.org:8883" in texts_of(state)


def test_a_sentence_that_cannot_be_filled_does_not_end_the_daemon(idle: State) -> None:
    """P4: what another process or a driver says is not trusted to fit the catalogue."""
    linked, _ = run(idle, ev.LinkChanged(False, 0, 0, "error.link.unreachable"))
    unknown, _ = run(idle, ev.LinkChanged(False, 0, 0, "error.of.tomorrow"))
    broken, _ = run(idle, ev.PartFailed(ev.Part.CAMERA, "error.driver.timeout"))

    assert "Server connection lost" in texts_of(linked)
    assert "Server connection lost" in texts_of(unknown)
    assert view(broken, TEXTS).screen.screen_id == "fault.camera"


def test_full_outbox_is_an_alarm(idle: State) -> None:
    """Reception paused, red."""
    shown = view(replace(idle, full=True, waiting=1000), TEXTS)

    assert shown.screen.screen_id == "paused"
    assert shown.light.red == 1.0
    assert shown.light.pattern is Pattern.BLINK


def test_model_for_demonstration_is_told_at_every_rest(idle: State) -> None:
    """P3: nobody takes the scores of the small model for those of the real one."""
    told = TEXTS.text("screen.idle.demo").en

    assert told not in texts_of(idle)
    assert told in texts_of(replace(idle, policy=replace(idle.policy, demo=True)))


@pytest.mark.parametrize("part", list(ev.Part))
def test_a_fault_without_which_nothing_goes_is_told_at_rest(idle: State, part: ev.Part) -> None:
    """Each part but the display itself."""
    broken, _ = run(idle, ev.PartFailed(part, "error.driver.lost", {"device": part.value}))
    expected = "idle" if part is ev.Part.DISPLAY else f"fault.{part.value}"

    assert view(broken, TEXTS).screen.screen_id == expected


def test_name_stands_only_on_the_case_screen(idle: State) -> None:
    """P2: at no other step, and never after the session."""
    name = make_case().document.given_names
    screens = {
        Step.CASE: opened(idle),
        Step.PORTRAIT: documented(idle),
        Step.FINGER: pictured(idle),
        Step.REVIEW: reviewed(idle),
    }

    assert [step for step, state in screens.items() if name in texts_of(state)] == [Step.CASE]


def test_document_number_is_never_shown_whole(idle: State) -> None:
    """Its last three characters are enough to compare."""
    assert make_case().document.number not in texts_of(opened(idle))
    assert "…000" in texts_of(opened(idle))


def test_finger_screen_says_which_press_and_what_was_wrong(idle: State) -> None:
    """Finger, press, verdict, the hand."""
    progress = Progress(FingerPosition.RIGHT_INDEX, 2, 3, Prompt.PRESS_HARDER, PressVerdict.SMALL_AREA)
    state = pictured(idle)
    state, _ = run(state, ev.FingerProgressed(state.run, progress))
    shown = view(state, TEXTS).screen

    assert shown.screen_id == "finger.right_index.press_harder"
    assert shown.hand == (FingerPosition.RIGHT_INDEX,)
    assert "Press 2 of 3" in texts_of(state)
    assert TEXTS.text("finger.verdict.small_area").en in texts_of(state)


def test_flash_burns_only_for_the_portrait(idle: State) -> None:
    """Light on the face while it is photographed."""
    assert view(documented(idle), TEXTS).flash
    assert not view(pictured(idle), TEXTS).flash


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        (CaseState.ISSUED, Tone.SUCCESS),
        (CaseState.REFUSED, Tone.WARNING),
        (CaseState.SUPPLEMENT, Tone.WARNING),
        (CaseState.ESCALATED, Tone.WARNING),
    ],
)
def test_result_has_its_colour_and_reason(idle: State, state: CaseState, tone: Tone) -> None:
    """P3: `issued` is green and only then; the others say why."""
    result = ev.Result(BUNDLE, "ABCD", state, 4, reason="DATA_MISMATCH")
    shown, _ = run(idle, ev.ResultsChanged((result,)))
    screen = view(shown, TEXTS).screen

    assert screen.tone is tone
    assert (TEXTS.text("rules.reason.DATA_MISMATCH") in screen.lines) == (state is not CaseState.ISSUED)


def test_consent_asks_the_representative_of_a_minor(idle: State) -> None:
    """Who must affirm is on the screen."""
    case = make_case().model_copy(update={"consent_by": "representative"})
    state, _ = run(idle, ev.QrSeen(f"EID1:{case.dossier_id}"), ev.CaseOpened(case, BUNDLE), ev.KeyPressed(ev.Key.OK))

    assert "representative" in texts_of(state).lower()
