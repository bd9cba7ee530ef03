"""The emulated identity authority: takes credential requests over OSIA paths, and decides as it was told.

A request is pending until `late_s` after it came; then it stands as `result` says. The mood that counts for a request
is the one at the moment of the question, so a test can let a request wait and then release it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from central.emulated.server import EmulatedSystem, Mood

RESULTS = ("PENDING", "ISSUED", "REFUSED", "SUPPLEMENT", "ESCALATED")


@dataclass
class AuthorityMood(Mood):
    """Attributes: `result`: one of RESULTS; `code`: why; `late_s`: how long a request stays pending."""

    result: str = "ISSUED"
    code: str | None = None
    late_s: float = 0.0


class EmulatedAuthority(EmulatedSystem[AuthorityMood]):
    """State and handlers of the server."""

    def __init__(self) -> None:
        super().__init__(AuthorityMood())
        self.requests: dict[str, float] = {}

    def app(self) -> Starlette:
        """The ASGI application."""
        path = "/v1/credentialRequests/{request_id}"
        return Starlette(
            routes=[
                Route(path, self._create, methods=["POST"]),
                Route(path, self._read, methods=["GET"]),
                *self.control_routes(),
            ]
        )

    async def _create(self, request: Request) -> Response:
        body, question, early = await self.asked("createCredentialRequest", request)
        if early is not None:
            return early
        if not isinstance(body, dict) or not {"requestData", "biographicData", "biometricData"} <= set(body):
            return self.answer(question, {"code": 400, "message": "not a credential request"}, 400)
        request_id = request.path_params["request_id"]
        if request_id in self.requests:
            return self.answer(question, {"code": 409, "message": "the id exists"}, 409)
        self.requests[request_id] = time.monotonic()
        return self.answer(question, None, 201)

    async def _read(self, request: Request) -> Response:
        _, question, early = await self.asked("readCredentialRequest", request)
        if early is not None:
            return early
        request_id = request.path_params["request_id"]
        since = self.requests.get(request_id)
        if since is None:
            return self.answer(question, None, 404)
        pending = time.monotonic() - since < self.mood.late_s
        answer = {"credentialRequestId": request_id, "status": "PENDING" if pending else self.mood.result}
        if not pending and self.mood.code:
            answer["statusCode"] = self.mood.code
        return self.answer(question, answer)


def app() -> Starlette:
    """An authority that issues at once."""
    return EmulatedAuthority().app()
