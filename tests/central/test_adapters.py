"""The HTTP adapters against servers that misbehave: a named error within the deadline, never a guess, never a leak."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from central.adapters.authority import HttpAuthority
from central.adapters.http import OutsideClient
from central.adapters.port import (
    Match,
    OutsideBusy,
    OutsideRefused,
    OutsideUnreachable,
    Reference,
    ResultState,
)
from central.adapters.register import HttpRegister
from central.config import AuthorityConfig, RegisterConfig
from central.emulated.register import EmulatedRegister
from central.emulated.station import make_bundle
from central.errors import OutsideSystemError
from tests.central.centre import Centre
from tests.central.site import adult_form, person_of
from tests.central.threaded import serving
from wire.bundle import Bundle, Finger, FingerState, OfficerException

ATTRIBUTES = {
    "surname": "THỬ-NGHIỆM",
    "givenNames": "KIM MẪU",
    "dateOfBirth": "1985-03-12",
    "gender": "M",
    "nationality": "KOR",
    "documentNumber": "M98765432",
    "documentType": "PASSPORT",
}


@pytest.fixture
def bundle(sqlite_centre: Centre) -> Bundle:
    return make_bundle(sqlite_centre.register().order, sqlite_centre.clock.now_ms)


def _app(handler: Callable[[Request], Any]) -> Starlette:
    return Starlette(routes=[Route("/{rest:path}", handler, methods=["GET", "POST"])])


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(1000):
        yield b" "
        await asyncio.sleep(0.05)


async def _endless(_request: Request) -> Response:
    return StreamingResponse(_drip())


async def _giant(_request: Request) -> Response:
    return Response(b"[" + b" " * 3_000_000 + b"]")


async def _redirect(_request: Request) -> Response:
    return Response(status_code=307, headers={"location": "http://127.0.0.1:9/secret"})


async def _html(_request: Request) -> Response:
    return Response("<html>M98765432</html>")


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (_endless, OutsideUnreachable),
        (_giant, OutsideRefused),
        (_redirect, OutsideRefused),
        (_html, OutsideRefused),
    ],
)
def test_misbehaving_server_is_a_named_error_within_the_deadline(
    handler: Callable[[Request], Any], kind: type[OutsideSystemError]
) -> None:
    """Dripping, giant, redirecting or talking HTML: no value of ours or theirs in the error."""
    with serving(_app(handler)) as url, OutsideClient("register", url, 0.6) as client:
        begun = time.monotonic()
        with pytest.raises(kind) as caught:
            client.ask("findPersons", "POST", "/v1/persons", body=ATTRIBUTES, expected=(200,))

    assert time.monotonic() - begun < 5
    assert not any(value in str(caught.value) for value in ATTRIBUTES.values())
    assert "127.0.0.1" not in str(caught.value)


def test_nobody_listening_is_unreachable() -> None:
    """A closed port."""
    with OutsideClient("register", "http://127.0.0.1:9", 1) as client, pytest.raises(OutsideUnreachable):
        client.ask("findPersons", "POST", "/v1/persons", body=[], expected=(200,))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_busy_says_so(status: int) -> None:
    """What a server says of itself for a while."""

    async def handler(_request: Request) -> Response:
        return Response(status_code=status)

    with serving(_app(handler)) as url, OutsideClient("register", url, 2) as client, pytest.raises(OutsideBusy):
        client.ask("findPersons", "POST", "/v1/persons", body=[], expected=(200,))


@pytest.fixture
def register() -> EmulatedRegister:
    register = EmulatedRegister()
    register.persons["A 1 ?#"] = person_of(adult_form())
    return register


def test_known_person_matches_whatever_its_identifier(register: EmulatedRegister, bundle: Bundle) -> None:
    """The register's identifiers are its own: they are quoted into paths."""
    with serving(register.app()) as url:
        adapter = HttpRegister(RegisterConfig(base_url=url))
        answer = adapter.check(ATTRIBUTES, bundle, "t-1")
        adapter.close()

    assert (answer.person_id, answer.match) == ("A 1 ?#", Match.YES)
    assert (answer.face, answer.fingers) == (Reference.YES, Reference.YES)


def test_person_without_references_is_not_compared(register: EmulatedRegister, bundle: Bundle) -> None:
    """D23: nothing to compare with, the match rests on the attributes."""
    register.persons = {"A-1": person_of(adult_form(), faceReference=False, fingerReference=False)}
    with serving(register.app()) as url:
        adapter = HttpRegister(RegisterConfig(base_url=url))
        answer = adapter.check(ATTRIBUTES, bundle, "t-1")
        adapter.close()

    assert (answer.face, answer.fingers, answer.match) == (Reference.NO, Reference.NO, Match.YES)
    assert "verifyFromId" not in [question.operation for question in register.questions]


def test_register_that_does_not_know_the_attribute_leaves_it_unknown(
    register: EmulatedRegister, bundle: Bundle
) -> None:
    """D24: an error object for an attribute is no answer."""
    person = person_of(adult_form())
    del person["faceReference"]
    register.persons = {"A-1": person}
    with serving(register.app()) as url:
        adapter = HttpRegister(RegisterConfig(base_url=url))
        answer = adapter.check(ATTRIBUTES, bundle, "t-1")
        adapter.close()

    assert (answer.face, answer.fingers) == (Reference.UNKNOWN, Reference.YES)


def test_two_persons_are_one_too_many(register: EmulatedRegister, bundle: Bundle) -> None:
    """The centre does not choose."""
    register.persons["A-2"] = person_of(adult_form())
    with serving(register.app()) as url:
        adapter = HttpRegister(RegisterConfig(base_url=url))
        answer = adapter.check(ATTRIBUTES, bundle, "t-1")
        adapter.close()

    assert (answer.person_id, answer.match, answer.reason) == (None, Match.UNSURE, "several_persons")


def test_finger_that_was_not_captured_is_not_compared(register: EmulatedRegister, bundle: Bundle) -> None:
    """Its state goes to the authority, and no picture of it anywhere."""
    worn = Finger(position=bundle.fingers[0].position, state=FingerState.WORN, attempts=3)
    signed = OfficerException(
        subject=f"finger.{worn.position.key}", reason="worn", officer_id="officer-1", at=bundle.confirmed
    )
    bundle = bundle.model_copy(update={"fingers": [worn, *bundle.fingers[1:]], "exceptions": [signed]})
    with serving(register.app()) as url:
        adapter = HttpRegister(RegisterConfig(base_url=url))
        answer = adapter.check(ATTRIBUTES, bundle, "t-1")
        adapter.close()

    assert answer.match is Match.YES
    assert [image["subType"] for image in register.questions[-1].images] == ["LEFT_INDEX"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4),
    max_leaves=8,
)


@given(value=json_values)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_json_makes_the_adapters_guess(answering: tuple[str, list[Any]], bundle: Bundle, value: Any) -> None:
    """Any JSON on every path: an error of the tree, an unknown person, or pending; never a match or an account."""
    url, answers = answering
    answers[:] = [value]
    register = HttpRegister(RegisterConfig(base_url=url))
    authority = HttpAuthority(AuthorityConfig(base_url=url))
    try:
        found = register.check(ATTRIBUTES, bundle, "t-1").match
    except OutsideSystemError:
        found = Match.UNKNOWN
    try:
        state = authority.result("01ARZ3NDEKTSV4RRFFQ69G5FAV").state
    except OutsideSystemError:
        state = ResultState.UNKNOWN
    register.close()
    authority.close()

    assert found in (Match.UNKNOWN, Match.NO)
    assert state is ResultState.UNKNOWN


@pytest.fixture
def answering() -> Any:
    """A server that answers everything with the one value it was given."""
    answers: list[Any] = [None]

    async def handler(_request: Request) -> Response:
        return JSONResponse(answers[0])

    with serving(_app(handler)) as url:
        yield url, answers


@pytest.mark.parametrize("status", ["issued", "OK", "", None, 1, ["ISSUED"]])
def test_status_that_is_none_of_the_interface_is_refused(answering: tuple[str, list[Any]], status: object) -> None:
    """Issued only when the authority said exactly that (P3)."""
    url, answers = answering
    answers[:] = [{"status": status}]
    authority = HttpAuthority(AuthorityConfig(base_url=url))

    with pytest.raises(OutsideRefused):
        authority.result("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    authority.close()


def test_code_of_the_authority_must_be_a_code(answering: tuple[str, list[Any]]) -> None:
    """It goes into statuses and logs: no free text, where a name could stand."""
    url, answers = answering
    answers[:] = [{"status": "REFUSED", "statusCode": "KIM MẪU không đủ điều kiện"}]
    authority = HttpAuthority(AuthorityConfig(base_url=url))

    with pytest.raises(OutsideRefused):
        authority.result("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    authority.close()
