"""One HTTP exchange with an outside system: a deadline over all of it, a limit on the answer, errors by kind.

Must never log or raise an URL, a body or a header: paths hold only our own identifiers and the other side's, but a
redirect or an error page may hold anything. Redirects are not followed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from central.adapters.port import OutsideBusy, OutsideRefused, OutsideUnreachable

MAX_ANSWER_BYTES = 1024 * 1024
_BUSY = frozenset({408, 425, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and the parsed JSON; None where there was no body."""

    status: int
    value: Any


class OutsideClient:
    """A client of one system.

    Args:
        system: its name in errors, e.g. `register`.
        deadline_s: for one exchange, from the first byte to the last.
    """

    def __init__(self, system: str, base_url: str, deadline_s: float) -> None:
        self._system = system
        self._deadline_s = deadline_s
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"), timeout=deadline_s, follow_redirects=False, trust_env=False
        )

    def ask(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | Sequence[str]] | None = None,
        body: Any = None,
        expected: Sequence[int],
    ) -> Answer:
        """One exchange.

        Args:
            operation: the interface's name for it, e.g. `matchPersonAttributes`.
            expected: statuses the caller understands.

        Raises:
            OutsideUnreachable, OutsideBusy, OutsideRefused
        """
        until = time.monotonic() + self._deadline_s
        try:
            with self._client.stream(method, path, params=params, json=body) as response:
                raw = self._read(operation, response, until)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(operation, type(error).__name__) from None
        if response.status_code in _BUSY:
            raise OutsideBusy(system=self._system, operation=operation, status=response.status_code)
        if response.status_code not in expected:
            raise OutsideRefused(system=self._system, operation=operation, status=response.status_code)
        try:
            return Answer(response.status_code, json.loads(raw) if raw else None)
        except (ValueError, RecursionError):
            raise self.malformed(operation, response.status_code) from None

    def malformed(self, operation: str, status: int = 200) -> OutsideRefused:
        """The error for an answer that is not what the interface says."""
        return OutsideRefused(system=self._system, operation=operation, status=status)

    def _read(self, operation: str, response: httpx.Response, until: float) -> bytes:
        raw = bytearray()
        for chunk in response.iter_bytes():
            raw += chunk
            if len(raw) > MAX_ANSWER_BYTES:
                raise self.malformed(operation, response.status_code)
            if time.monotonic() > until:
                raise self._unreachable(operation, "deadline")
        return bytes(raw)

    def _unreachable(self, operation: str, reason: str) -> OutsideUnreachable:
        return OutsideUnreachable(system=self._system, operation=operation, reason=reason)

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
