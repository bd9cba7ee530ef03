"""The document at the desk: confirmed or signed, never taken as read; the comparison warns and decides nothing."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.display.port import Tone
from station.capture.sealing import Provenance, assemble
from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key
from station.workflow.matching import compared
from station.workflow.session import DOCUMENT_REASONS, Session
from station.workflow.state import MatchPolicy, State, Step
from station.workflow.table import step
from station.workflow.view import view
from tests.station.workflow.conftest import CAMERA, EMBEDDING, ZONE, at, entry, make_portrait
from tests.station.workflow.playing import consented, documented, finger, kinds, page_read, press, run
from wire.bundle import Embedding, MatchVerdict
from wire.catalogue import bundled
from wire.fingers import FingerPosition

TEXTS = bundled()
POLICY = MatchPolicy("m", accept=0.5, review=0.34)
OTHER_NAME = (ZONE[0].replace("MAU", "MAI"), ZONE[1])


def session_of(state: State) -> Session:
    assert state.session is not None
    return state.session


def facing(degrees: float, model_id: str = "m", alignment: str = "a1") -> Embedding:
    vector = struct.pack("<2f", math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
    return Embedding(model_id=model_id, weights_sha256=b"w" * 32, alignment=alignment, dimension=2, vector=vector)


class TestReading:
    """Between consent and portrait."""

    def test_consent_turns_the_camera_to_the_document(self, idle: State) -> None:
        """No code is read meanwhile, and no face."""
        state, effects = run(consented(idle), press(Key.CANCEL), press(Key.BACK))

        assert state.step is Step.DOCUMENT
        assert do.UseCamera(do.CameraMode.DOCUMENT, state.run) in effects

    def test_officer_sees_the_name_as_read(self, idle: State) -> None:
        """The one thing of the zone that no check digit covers; of the number only its end."""
        shown = view(page_read(consented(idle)), TEXTS).screen
        texts = " ".join(line.en for line in shown.lines)

        assert shown.screen_id == "document_check"
        assert "MAU NGUOI" in texts
        assert "M00000000" not in texts

    def test_nothing_is_in_the_session_before_the_officer_confirms(self, idle: State) -> None:
        """A reading is a proposal."""
        state = page_read(consented(idle))
        confirmed, _ = run(state, press(Key.OK))

        assert session_of(state).reading is None
        assert session_of(confirmed).reading is not None
        assert confirmed.step is Step.PORTRAIT

    def test_confirmed_zone_stands_in_the_bundle(self, idle: State) -> None:
        """With the case's own spelling of the name, which the zone cannot carry."""
        state = documented(idle)
        state, _ = run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA))
        state = finger(finger(state, FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
        state, _ = run(state, press(Key.OK))
        made = assemble(session_of(state), Provenance("st-0001", "test", {}, {}))

        assert made.document.source == "mrz"
        assert made.document.mrz == list(ZONE)
        assert made.document.surname == "MẪU"
        assert made.exceptions == []
        assert made.document_match is not None
        assert made.document_match.verdict is MatchVerdict.ACCEPT
        assert [line.step for line in made.attempts].count("document") == 1

    def test_difference_is_named_and_signed(self, idle: State) -> None:
        """A warning names the field; going on is the officer's signature, and the form stays the source."""
        state = page_read(consented(idle), OTHER_NAME)
        shown = view(state, TEXTS).screen
        state, _ = run(state, press(Key.OK))
        session = session_of(state)

        assert shown.tone is Tone.WARNING
        assert shown.lines[0].en == "Differs: surname"
        assert shown.lines[1].en == "The case says: MẪU NGƯỜI"
        assert [(entry.subject, entry.reason, entry.officer_id) for entry in session.exceptions] == [
            ("document.surname", "DOC_DIFFERS", "CB01")
        ]
        assert [line.verdict for line in session.attempts] == ["differs"]
        assert state.step is Step.PORTRAIT

    def test_wrong_reading_is_read_again(self, idle: State) -> None:
        """The officer's no costs nothing."""
        state, effects = run(page_read(consented(idle), OTHER_NAME), press(Key.BACK))

        assert state.step is Step.DOCUMENT
        assert session_of(state).reading is None
        assert session_of(state).exceptions == []
        assert do.UseCamera(do.CameraMode.DOCUMENT, state.run) in effects

    def test_difference_cannot_be_washed_away(self, idle: State) -> None:
        """Read, signed, taken back, declared unreadable: the bundle's log still says what the zone said and who went
        back on it."""
        state, _ = run(page_read(consented(idle), OTHER_NAME), press(Key.OK), press(Key.BACK))
        state, _ = run(state, press(Key.SKIP), press(Key.OK))
        refused, _ = run(page_read(consented(idle), OTHER_NAME), press(Key.SKIP), press(Key.OK))

        assert [line.verdict for line in session_of(state).attempts] == ["differs", "taken-back"]
        assert [line.verdict for line in session_of(refused).attempts] == ["differs", "refused"]
        assert [entry.subject for entry in session_of(refused).exceptions] == ["document"]

    def test_name_does_not_stay_before_an_empty_chair(self, idle: State) -> None:
        """After the time of a case the reading is put away."""
        state = page_read(consented(idle))
        early, _ = step(state, ev.Tick(), at(200))
        late, effects = step(state, ev.Tick(), at(400))

        assert early.step is Step.DOCUMENT_CHECK
        assert late.step is Step.DOCUMENT
        assert late.reading is None
        assert do.UseCamera(do.CameraMode.DOCUMENT, late.run) in effects

    def test_draft_with_a_portrait_but_no_document_is_compared(self, idle: State) -> None:
        """A session begun before stations read documents: the comparison is made when the page is read."""
        old = session_of(consented(idle)).model_copy(update={"portrait": make_portrait()})
        state, _ = run(idle, ev.DraftRestored(old, sealed=False))
        state, _ = run(page_read(state), press(Key.OK))
        match = session_of(state).document_match

        assert state.step is Step.FINGER
        assert match is not None
        assert match.verdict is MatchVerdict.ACCEPT

    def test_late_answer_of_a_stopped_attempt_is_ignored(self, idle: State) -> None:
        """The page of a run that was left."""
        state = consented(idle)
        late = ev.DocumentRead(state.run, ZONE, EMBEDDING, entry("document"), CAMERA)
        state, _ = run(state, press(Key.BACK), press(Key.YES), late)

        assert state.step is Step.DOCUMENT

    def test_guide_is_shown(self, idle: State) -> None:
        """What to do with the page, while it is not read."""
        state = consented(idle)
        state, _ = run(state, ev.DocumentGuided(state.run, "show_page"))

        assert view(state, TEXTS).screen.screen_id == "document.show_page"
        assert view(state, TEXTS).screen.title == TEXTS.text("document.guide.show_page")
        assert not view(state, TEXTS).flash


class TestNotRead:
    """A document without a zone never stops the next person."""

    @pytest.mark.parametrize("place", range(len(DOCUMENT_REASONS)))
    def test_skipping_is_signed_with_the_reason_shown(self, idle: State, place: int) -> None:
        """Reason, officer, time; the bundle then has no zone."""
        state, _ = run(consented(idle), press(Key.SKIP), *[press(Key.SKIP)] * place)
        shown = view(state, TEXTS).screen.screen_id
        state, _ = run(state, press(Key.OK))
        session = session_of(state)

        assert shown == f"document_reason.{DOCUMENT_REASONS[place]}"
        assert [(entry.subject, entry.reason) for entry in session.exceptions] == [
            ("document", DOCUMENT_REASONS[place])
        ]
        assert session.reading is None
        assert state.step is Step.PORTRAIT

    def test_two_attempts_in_vain_ask_the_officer(self, idle: State) -> None:
        """And both are in the log."""
        state = consented(idle)
        for expected in (Step.DOCUMENT, Step.DOCUMENT_REASON):
            missed = ev.DocumentMissed(state.run, entry("document", "show_page"), CAMERA)
            state, _ = run(state, missed)

            assert state.step is expected
        assert [line.attempt for line in session_of(state).attempts] == [1, 2]

    def test_reading_again_after_the_question(self, idle: State) -> None:
        """The officer turns the passport the right way up."""
        state, effects = run(consented(idle), press(Key.SKIP), press(Key.BACK))

        assert state.step is Step.DOCUMENT
        assert do.UseCamera in kinds(effects)
        assert session_of(state).exceptions == []

    def test_back_from_the_portrait_reads_the_document_again(self, idle: State) -> None:
        """What was confirmed or signed goes, the log stays."""
        state, _ = run(documented(idle), press(Key.BACK))
        skipped, _ = run(consented(idle), press(Key.SKIP), press(Key.OK), press(Key.BACK))

        for again in (state, skipped):
            assert again.step is Step.DOCUMENT
            assert session_of(again).reading is None
            assert session_of(again).exceptions == []
        assert [line.verdict for line in session_of(state).attempts] == ["accepted", "taken-back"]

    def test_restart_keeps_what_was_confirmed(self, idle: State) -> None:
        """P1: at most the current step is repeated."""
        unconfirmed = session_of(page_read(consented(idle)))
        confirmed = session_of(documented(idle))

        assert run(idle, ev.DraftRestored(unconfirmed, sealed=False))[0].step is Step.DOCUMENT
        assert run(idle, ev.DraftRestored(Session.decode(confirmed.encode()), sealed=False))[0].step is Step.PORTRAIT


class TestComparison:
    """1:1, document against person."""

    def taken(self, idle: State, document: Embedding | None, live: Embedding) -> tuple[State, list[do.Effect]]:
        state, _ = run(page_read(consented(idle), embedding=document), press(Key.OK))
        portrait = make_portrait().model_copy(update={"embedding": live})
        return run(state, ev.PortraitTaken(state.run, portrait, entry(), CAMERA))

    @pytest.mark.parametrize(
        ("degrees", "verdict"), [(0, "accept"), (59, "accept"), (61, "review"), (69, "review"), (71, "reject")]
    )
    def test_low_score_warns_and_goes_on(self, idle: State, degrees: float, verdict: str) -> None:
        """Two beeps and a sentence; the session goes to the fingers all the same."""
        state, effects = self.taken(idle, EMBEDDING, facing(degrees))
        match = session_of(state).document_match
        doubt = verdict != "accept"

        assert match is not None
        assert match.verdict.value == verdict
        assert match.score == pytest.approx(math.cos(math.radians(degrees)), abs=1e-6)
        assert match.threshold == 0.5
        assert do.Beep(2 if doubt else 1) in effects
        assert state.step is Step.FINGER
        assert (view(state, TEXTS).screen.tone is Tone.WARNING) == doubt

    def test_page_without_a_portrait_is_told(self, idle: State) -> None:
        """The officer is the only one left who compares."""
        check = view(page_read(consented(idle), embedding=None), TEXTS).screen
        state, _ = self.taken(idle, None, EMBEDDING)
        state = finger(finger(state, FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
        review = view(state, TEXTS).screen

        assert TEXTS.text("notice.match.none") in check.lines
        assert review.lines[0] == TEXTS.text("notice.match.none")
        assert session_of(state).document_match is None

    def test_printed_face_never_stands_in_for_the_person(self, idle: State) -> None:
        """Page first, then a person below standard: the officer decides on the person. The page alone is named as such,
        and is not compared with itself."""
        printed = make_portrait()
        poor = printed.model_copy(
            update={"components": [printed.components[0].model_copy(update={"passed": False})], "jpeg": b"\xff\xd8poor"}
        )
        page = (printed, entry(verdict="passport"))
        person = (poor, entry(verdict="glasses"))
        days = (((page, person, person), poor), ((person, page, page), poor), ((page, page, page), printed))
        for attempts, expected in days:
            state = documented(idle)
            for best, log in attempts:
                state, _ = run(state, ev.PortraitMissed(state.run, best, log, CAMERA))

            assert state.best_portrait == expected
        told = view(state, TEXTS).screen
        state, _ = run(state, press(Key.OK))

        assert told.lines[0] == TEXTS.text("face.advice.passport")
        assert session_of(state).document_match is None
        assert session_of(state).portrait_advice == ["passport"]

    @pytest.mark.parametrize("advice", ["head-cover", "background"])
    def test_advice_about_the_picture_stands_on_the_review(self, idle: State, advice: str) -> None:
        """A head cover worn for religion is kept: the officer is told, and nothing is held back."""
        state = documented(idle)
        state, _ = run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA, (advice,)))
        again, _ = run(state, press(Key.BACK))
        state = finger(finger(state, FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
        shown = view(state, TEXTS).screen

        assert shown.lines[0] == TEXTS.text(f"face.advice.{advice}")
        assert shown.tone is Tone.WARNING
        assert session_of(again).portrait_advice == []

    def test_doubt_stands_on_the_review(self, idle: State) -> None:
        """The sentence of four seconds is not the officer's only chance to read it."""
        state, _ = self.taken(idle, EMBEDDING, facing(90))
        state = finger(finger(state, FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
        state = replace(state, notice=None)
        shown = view(state, TEXTS).screen

        assert shown.screen_id == "review"
        assert shown.lines[0] == TEXTS.text("notice.match.reject")

    def test_new_portrait_is_compared_anew(self, idle: State) -> None:
        """The score belongs to the portrait in the bundle."""
        state, _ = self.taken(idle, EMBEDDING, facing(90))
        state, _ = run(state, press(Key.BACK))
        before = session_of(state).document_match
        portrait = make_portrait()
        state, _ = run(state, ev.PortraitTaken(state.run, portrait, entry(), CAMERA))
        after = session_of(state).document_match

        assert before is None
        assert after is not None
        assert after.verdict is MatchVerdict.ACCEPT

    def test_officers_portrait_is_compared_too(self, idle: State) -> None:
        """An accepted exception does not hide who it is."""
        state, _ = run(page_read(consented(idle), embedding=EMBEDDING), press(Key.OK))
        poor = make_portrait().model_copy(update={"embedding": facing(90)})
        for _ in range(3):
            state, _ = run(state, ev.PortraitMissed(state.run, poor, entry(verdict="closer"), CAMERA))
        state, _ = run(state, press(Key.OK))
        match = session_of(state).document_match

        assert match is not None
        assert match.verdict is MatchVerdict.REJECT

    @pytest.mark.parametrize(
        "document",
        [None, facing(0, model_id="other"), facing(0, alignment="a2"), facing(0).model_copy(update={"dimension": 1})],
        ids=["no portrait on the page", "another model", "another alignment", "another size"],
    )
    def test_what_cannot_be_compared_is_not(self, document: Embedding | None) -> None:
        """No score is better than one between two kinds of template."""
        assert compared(document, EMBEDDING, POLICY) is None

    def test_limits_of_another_model_are_not_used(self) -> None:
        """Thresholds belong to a model."""
        assert compared(EMBEDDING, EMBEDDING, MatchPolicy("other", 0.5, 0.34)) is None
        assert compared(EMBEDDING, EMBEDDING, None) is None

    @given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
    def test_any_bytes_give_a_score_between_minus_one_and_one(self, one: bytes, other: bytes) -> None:
        """Templates without length, infinite or not a number resemble nobody; nothing is raised."""
        first, second = (EMBEDDING.model_copy(update={"vector": vector}) for vector in (one, other))
        match = compared(first, second, POLICY)

        assert match is not None
        assert -1.0 <= match.score <= 1.0


def test_document_walk_ends_in_an_instant_of_the_desk(idle: State) -> None:
    """The exception carries the desk's own time."""
    state, _ = run(consented(idle), press(Key.SKIP), press(Key.OK), start_s=5.0)

    assert session_of(state).exceptions[0].at == at(5.1)
