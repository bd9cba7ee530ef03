"""Short ways to a step of the workflow, for its tests."""

from __future__ import annotations

from station.workflow import effects as do
from station.workflow import events as ev
from station.workflow.events import Key, KeyPressed
from station.workflow.state import State
from station.workflow.table import step
from tests.station.workflow.conftest import (
    BUNDLE,
    CAMERA,
    DOSSIER,
    EMBEDDING,
    SENSOR,
    ZONE,
    at,
    entry,
    make_case,
    make_finger,
    make_portrait,
)
from wire.bundle import Embedding
from wire.case import qr_text
from wire.fingers import FingerPosition


def run(state: State, *happened: ev.Event, start_s: float = 0.0) -> tuple[State, list[do.Effect]]:
    """Feeds events a tenth of a second apart."""
    done: list[do.Effect] = []
    for number, event in enumerate(happened):
        state, more = step(state, event, at(start_s + number / 10))
        done.extend(more)
    return state, done


def press(key: Key) -> KeyPressed:
    return KeyPressed(key)


def kinds(effects: list[do.Effect]) -> list[type]:
    return [type(effect) for effect in effects]


def opened(state: State) -> State:
    return run(state, ev.QrSeen(qr_text(DOSSIER)), ev.CaseOpened(make_case(), BUNDLE))[0]


def consented(state: State) -> State:
    return run(opened(state), press(Key.OK), press(Key.YES))[0]


def page_read(state: State, lines: tuple[str, ...] = ZONE, embedding: Embedding | None = EMBEDDING) -> State:
    return run(state, ev.DocumentRead(state.run, lines, embedding, entry("document"), CAMERA))[0]


def documented(state: State) -> State:
    return run(page_read(consented(state)), press(Key.OK))[0]


def pictured(state: State) -> State:
    state = documented(state)
    return run(state, ev.PortraitTaken(state.run, make_portrait(), entry(), CAMERA))[0]


def finger(state: State, position: FingerPosition) -> State:
    return run(state, ev.FingersTaken(state.run, (make_finger(position),), (entry("finger"),), SENSOR))[0]


def reviewed(state: State) -> State:
    return finger(finger(pictured(state), FingerPosition.RIGHT_INDEX), FingerPosition.LEFT_INDEX)
