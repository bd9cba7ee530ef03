"""What the emulated systems share: moods, the memory of what they were asked, and how they are served.

`/control` is a separate path for whoever plays the outside world, open to loopback only. What is remembered of a
question is which attributes and images came, never their values: enough to show who could read what.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Generic, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from central.errors import SystemRefused

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", "testclient"})
MAX_BODY_BYTES = 8 * 1024 * 1024


@dataclass
class Mood:
    """How a system behaves until told otherwise.

    Attributes:
        delay_s: it answers that much later.
        down: it answers 503.
        refusing: it answers 403.
        hang_up: it closes the connection without an answer.
    """

    delay_s: float = 0.0
    down: bool = False
    refusing: bool = False
    hang_up: bool = False


MoodT = TypeVar("MoodT", bound=Mood)


@dataclass
class Question:
    """One remembered question: names of attributes, kinds and sizes of images."""

    at_s: float
    operation: str
    attributes: list[str] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0


class EmulatedSystem(Generic[MoodT]):
    """Base of both: a mood, a memory, the control path."""

    def __init__(self, mood: MoodT) -> None:
        self.mood = mood
        self.questions: list[Question] = []

    def control_routes(self) -> list[Route]:
        """`PATCH /control/mood`, `GET /control/questions`; a subclass adds its own."""
        return [
            Route("/control/mood", self._guarded(self._set_mood), methods=["PATCH"]),
            Route("/control/questions", self._guarded(self._tell), methods=["GET"]),
        ]

    async def asked(self, operation: str, request: Request) -> tuple[Any, Question, Response | None]:
        """The body, the remembered question, and the answer the mood already gives (None: answer properly)."""
        raw = await request.body()
        question = Question(round(time.time(), 3), operation)
        self.questions.append(question)
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            return None, question, self.answer(question, {"code": 400, "message": "not JSON"}, 400)
        _remember(question, body)
        if self.mood.delay_s:
            await asyncio.sleep(self.mood.delay_s)
        if self.mood.hang_up:
            # A body that was promised and never comes makes the server close the connection.
            return body, question, Response(headers={"content-length": "1000"})
        if self.mood.down:
            return body, question, self.answer(question, {"code": 503, "message": "down"}, 503)
        if self.mood.refusing:
            return body, question, self.answer(question, {"code": 403, "message": "refused"}, 403)
        return body, question, None

    def answer(self, question: Question, value: Any, status: int = 200) -> Response:
        """An answer, remembered beside its question."""
        question.answered = status
        return JSONResponse(value, status) if value is not None else Response(status_code=status)

    async def _set_mood(self, request: Request) -> Response:
        changes = await request.json()
        known = {entry.name for entry in fields(self.mood)}
        if not isinstance(changes, dict) or not set(changes) <= known:
            return JSONResponse({"known": sorted(known)}, 400)
        for name, value in changes.items():
            setattr(self.mood, name, value)
        return JSONResponse(asdict(self.mood))

    async def _tell(self, _request: Request) -> Response:
        return JSONResponse([asdict(question) for question in self.questions])

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            if request.client is None or request.client.host not in LOOPBACK:
                return JSONResponse({"code": 403, "message": "control is for loopback"}, 403)
            return await handler(request)

        return guarded


def _remember(question: Question, body: Any) -> None:
    """Names of what is in `body`, however deep; of images the kind and the size."""
    match body:
        case {"image": str(image), "biometricType": kind, **rest}:
            sub_kind = rest.get("biometricSubType", "")
            question.images.append({"type": kind, "subType": sub_kind, "bytes": len(image) * 3 // 4})
        case {"attributeName": str(name), **_others}:
            question.attributes.append(name)
        case dict():
            for name, value in body.items():
                if isinstance(value, dict | list):
                    _remember(question, value)
                else:
                    question.attributes.append(name)
        case list():
            for entry in body:
                _remember(question, entry)
        case _:
            pass


def serve(app: Starlette, host: str, port: int, name: str) -> None:
    """Serves until SIGTERM or SIGINT. The first line on stdout is JSON with the URL, once the port is open."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise SystemRefused(what=f"{host}:{port}", reason=error.strerror or type(error).__name__) from None
        listener.listen(128)
        url = f"http://{host}:{listener.getsockname()[1]}"
        print(json.dumps({"event": "listening", "system": name, "url": url}), flush=True)
        sys.stdout.flush()
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listener])
