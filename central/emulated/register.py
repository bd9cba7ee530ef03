"""The emulated immigration register: persons are put in over `/control`, questions come over OSIA paths.

Beyond the shared moods it can be told not to know anybody, to find attributes differing, or not to recognise a face or
finger. Its comparisons are told, not measured: it holds no references but the word that there are some.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from central.emulated.server import EmulatedSystem, Mood


@dataclass
class RegisterMood(Mood):
    """Attributes: `unknown_person`; `differing`: attribute names; `other_face`, `other_fingers`: comparisons fail."""

    unknown_person: bool = False
    differing: list[str] = field(default_factory=list)
    other_face: bool = False
    other_fingers: bool = False


class EmulatedRegister(EmulatedSystem[RegisterMood]):
    """State and handlers of the server."""

    def __init__(self) -> None:
        super().__init__(RegisterMood())
        self.persons: dict[str, dict[str, Any]] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        person = "/v1/persons/{uin}"
        return Starlette(
            routes=[
                Route("/v1/persons", self._find, methods=["POST"]),
                Route(person, self._read, methods=["GET"]),
                Route(f"{person}/match", self._match, methods=["POST"]),
                Route("/v1/verify/{gallery}/{uin}", self._verify, methods=["POST"]),
                Route("/control/persons/{uin}", self._guarded(self._put), methods=["PUT"]),
                *self.control_routes(),
            ]
        )

    async def _put(self, request: Request) -> Response:
        """A person: OSIA attributes, and `faceReference`, `fingerReference` as booleans."""
        value = await request.json()
        if not isinstance(value, dict):
            return JSONResponse({"code": 400, "message": "an object of attributes"}, 400)
        self.persons[request.path_params["uin"]] = value
        return Response(status_code=204)

    async def _find(self, request: Request) -> Response:
        body, question, early = await self.asked("findPersons", request)
        if early is not None:
            return early
        if not isinstance(body, list) or not all(_is_expression(entry) for entry in body):
            return self.answer(question, {"code": 400, "message": "a list of expressions"}, 400)
        found = [
            {"personId": uin}
            for uin, person in self.persons.items()
            if all(person.get(entry["attributeName"]) == entry["value"] for entry in body)
        ]
        if self.mood.unknown_person or not found:
            return self.answer(question, None, 404)
        return self.answer(question, found)

    async def _read(self, request: Request) -> Response:
        _, question, early = await self.asked("readPersonAttributes", request)
        if early is not None:
            return early
        person = self.persons.get(request.path_params["uin"])
        names = request.query_params.getlist("attributeNames")
        question.attributes.extend(names)
        if person is None:
            return self.answer(question, None, 404)
        unknown = {"code": 1023, "message": "Unknown attribute name"}
        return self.answer(question, {name: person.get(name, unknown) for name in names})

    async def _match(self, request: Request) -> Response:
        body, question, early = await self.asked("matchPersonAttributes", request)
        if early is not None:
            return early
        person = self.persons.get(request.path_params["uin"])
        if person is None or not isinstance(body, dict):
            return self.answer(question, None, 404 if person is None else 400)
        told = [name for name in self.mood.differing if name in body]
        differing = [name for name, value in body.items() if name in told or person.get(name, value) != value]
        return self.answer(question, [{"attributeName": name, "errorCode": 1} for name in differing])

    async def _verify(self, request: Request) -> Response:
        body, question, early = await self.asked("verifyFromId", request)
        if early is not None:
            return early
        person = self.persons.get(request.path_params["uin"])
        if person is None:
            return self.answer(question, None, 404)
        kinds = {entry.get("biometricType") for entry in body.get("biometricData", [])}
        refused = (self.mood.other_face and "FACE" in kinds) or (self.mood.other_fingers and "FINGER" in kinds)
        held = _holds(person, kinds)
        decision = bool(question.images) and held and not refused
        return self.answer(question, {"decision": decision, "scores": [{"score": 1.0 if decision else 0.0}]})


def _holds(person: dict[str, Any], kinds: set[str | None]) -> bool:
    wanted = {"FACE": "faceReference", "FINGER": "fingerReference"}
    return all(person.get(wanted.get(kind or "", "")) is True for kind in kinds)


def _is_expression(entry: object) -> bool:
    return isinstance(entry, dict) and set(entry) == {"attributeName", "operator", "value"} and entry["operator"] == "="


def app() -> Starlette:
    """A register that knows nobody yet."""
    return EmulatedRegister().app()
