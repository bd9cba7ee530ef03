"""Screens of the capture: document, portrait, fingers, and the officer's decisions about them."""

from __future__ import annotations

from drivers.display.port import Icon, Screen, Tone
from station.workflow.capture_steps import PRINTED, asked, excused
from station.workflow.screen_pieces import Pieces
from station.workflow.session import DOCUMENT_REASONS, SKIP_REASONS, resolved
from wire.catalogue import Text
from wire.fingers import FingerPosition
from wire.rules.mrz import MrzInvalid, parse_mrz


class CaptureScreens(Pieces):
    """While the person stands at the desk."""

    def _portrait(self) -> Screen:
        guide = self._state.guide
        attempts = self._session().portrait_attempts
        lines: tuple[Text, ...] = (self._t("screen.portrait.attempt", attempt=attempts + 1),) if attempts else ()
        said = f"face.guide.{guide}"
        title = self._t(said) if said in self._texts else self._t("screen.portrait")
        return Screen(
            "portrait" if guide is None else f"portrait.{guide}",
            title,
            lines,
            tone=Tone.ACTION,
            icon=Icon.FACE,
            keys=self._keys(back="key.back_hold"),
        )

    def _decision(self) -> Screen:
        """What was wrong comes first: the officer decides about that, not about a picture he cannot see."""
        kind = "advice" if self._state.best_verdict == PRINTED else "guide"
        verdict = f"face.{kind}.{self._state.best_verdict}"
        wrong = (self._t(verdict),) if verdict in self._texts else ()
        if self._state.best_portrait is None:
            return Screen(
                "portrait_nobody",
                self._t("screen.nobody"),
                wrong,
                tone=Tone.WARNING,
                icon=Icon.FACE,
                keys=self._keys(ok="key.again", back="key.again_hold"),
            )
        return Screen(
            "portrait_decision",
            self._t("screen.decision"),
            (*wrong, self._signs()),
            tone=Tone.WARNING,
            icon=Icon.FACE,
            keys=self._keys(ok="key.accept", back="key.again_hold"),
        )

    def _finger(self) -> Screen:
        session, progress = self._session(), self._state.progress
        positions = asked(self._state) or (FingerPosition.RIGHT_INDEX,)
        prompt = "place" if progress is None else progress.prompt.value
        verdict = None if progress is None else progress.verdict
        warned = self._state.notice is not None and self._state.notice.warning
        lines: tuple[Text, ...] = self._notice() if warned else ()
        if progress is not None:
            lines += (self._t("screen.finger.press", press=progress.press, presses=progress.presses),)
        if progress is not None and verdict is not None and verdict.value != "accepted":
            if len(positions) > 1:
                lines += (self._t(f"finger.position.{progress.position.key}"),)
            lines += (self._t(f"finger.verdict.{verdict.value}"),)
        title, name = self._t(f"finger.prompt.{prompt}"), self._fingers(positions)
        return Screen(
            f"finger.{'+'.join(position.key for position in positions)}.{prompt}",
            Text(f"{title.vi}: {name.vi}", f"{title.en}: {name.en}"),
            lines,
            tone=self._tone(Tone.ACTION),
            icon=Icon.FINGER,
            progress=resolved(session),
            keys=self._keys(skip="key.skip" if len(positions) == 1 else "key.skip_some", back="key.back"),
            hand=tuple(int(position) for position in positions),
        )

    def _fingers(self, positions: tuple[FingerPosition, ...]) -> Text:
        """The one finger, the hand or the thumbs that are shown together, or each by its name."""
        group = _GROUPS.get(frozenset(positions))
        if group is not None:
            return self._t(f"finger.group.{group}")
        names = [self._t(f"finger.position.{position.key}") for position in positions]
        return Text(", ".join(name.vi for name in names), ", ".join(name.en for name in names))

    def _reason(self) -> Screen:
        session = self._session()
        position, reason = excused(self._state) or (FingerPosition.RIGHT_INDEX, SKIP_REASONS[0])
        return Screen(
            f"reason.{position.key}.{reason.value}",
            self._t(f"finger.state.{reason.value}"),
            (self._t(f"finger.position.{position.key}"), self._t("screen.reason")),
            tone=Tone.WARNING,
            icon=Icon.FINGER,
            progress=resolved(session),
            keys=self._keys(ok="key.sign", skip="key.next_reason", back="key.retake"),
            hand=(int(position),),
        )

    # -- the document --------------------------------------------------------------------------------------------

    def _document(self) -> Screen:
        guide, attempts = self._state.guide, self._session().document_attempts
        said = f"document.guide.{guide}"
        title = self._t(said) if said in self._texts else self._t("screen.document")
        lines: tuple[Text, ...] = (self._t("screen.portrait.attempt", attempt=attempts + 1),) if attempts else ()
        return Screen(
            "document" if guide is None else f"document.{guide}",
            title,
            lines,
            tone=Tone.ACTION,
            icon=Icon.DOCUMENT,
            keys=self._keys(skip="key.skip_document", back="key.back"),
        )

    def _document_check(self) -> Screen:
        """The names as read, since no check digit covers them; before them, what speaks against the case."""
        reading = self._state.reading
        if reading is None:
            return self._document()
        lines = (*self._differences(reading.differs), *self._names(reading.lines))
        if reading.embedding is None:
            lines += (self._t("notice.match.none"),)
        if reading.differs:
            lines += (self._t("screen.document_check.wrong_form"), self._signs())
        return Screen(
            "document_check",
            self._t("screen.document_check.differs" if reading.differs else "screen.document_check"),
            lines,
            tone=Tone.WARNING if reading.differs else Tone.ACTION,
            icon=Icon.DOCUMENT,
            keys=self._keys(
                ok="key.sign" if reading.differs else "key.right_name", back="key.read_again", skip="key.skip_document"
            ),
        )

    def _signs(self) -> Text:
        return self._t("screen.signs", officer=self._session().officer_id)

    def _differences(self, fields: list[str]) -> tuple[Text, ...]:
        """All fields in one line, and the name the case has where the name is among them."""
        if not fields:
            return ()
        names = [self._t(f"document.field.{field}") for field in fields if f"document.field.{field}" in self._texts]
        vi, en = ", ".join(name.vi for name in names), ", ".join(name.en for name in names)
        told = Text(self._t("document.differs", fields=vi).vi, self._t("document.differs", fields=en).en)
        if not {"surname", "given_names"} & set(fields):
            return (told,)
        typed = self._session().case.document
        return told, self._t("document.in_case", name=f"{typed.surname} {typed.given_names}".strip())

    def _names(self, lines: list[str]) -> tuple[Text, ...]:
        try:
            zone = parse_mrz(lines)
        except MrzInvalid:
            return ()
        name = f"{zone.surname} {zone.given_names}".strip()
        ending = zone.number[-3:]
        return (
            Text(name, name),
            self._t("screen.case.document", nationality=zone.nationality, ending=ending),
        )

    def _document_reason(self) -> Screen:
        reason = DOCUMENT_REASONS[self._state.reason_index % len(DOCUMENT_REASONS)]
        return Screen(
            f"document_reason.{reason}",
            self._t(f"document.reason.{reason}"),
            (self._t("screen.document_reason"), self._t("screen.reason"), self._signs()),
            tone=Tone.WARNING,
            icon=Icon.DOCUMENT,
            keys=self._keys(ok="key.sign", skip="key.next_reason", back="key.read_again"),
        )


_GROUPS = {
    frozenset(FingerPosition(number) for number in (2, 3, 4, 5)): "right_four",
    frozenset(FingerPosition(number) for number in (7, 8, 9, 10)): "left_four",
    frozenset((FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_THUMB)): "thumbs",
}
