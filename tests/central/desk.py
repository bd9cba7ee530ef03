"""A captured case, a worker for all its jobs, and the emulated outside systems over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from central.adapters.authority import HttpAuthority
from central.adapters.register import HttpRegister
from central.config import AuthorityConfig, JobsConfig, RegisterConfig
from central.emulated.authority import EmulatedAuthority
from central.emulated.register import EmulatedRegister
from central.jobs import JobWorker
from central.orders import Registered
from central.steps import Steps
from central.store.jobs import JobKind
from tests.central.centre import Centre
from wire.messages import Status
from wire.rules.loader import load_rules

CONFIG = JobsConfig(lease_s=60, first_retry_s=1, longest_retry_s=8, poll_s=5, alarm_attempts=3)


@dataclass
class Outside:
    """Both emulated systems, served by real HTTP on loopback."""

    register: EmulatedRegister
    register_url: str
    authority: EmulatedAuthority
    authority_url: str


@dataclass
class Desk:
    """One captured case and a worker for everything."""

    centre: Centre
    outside: Outside
    registered: Registered
    bundle_id: str
    steps: Steps
    worker: JobWorker

    def work(self) -> None:
        """Does what is due now."""
        while self.worker.one():
            pass

    def states(self) -> list[tuple[str, str | None]]:
        """State and code of every status that was queued for the station, in order."""
        keys = [self.centre.keys.signing.verifying_key]
        rows = [row for row in self.centre.rows("outbound") if row["kind"] == "status"]
        found = [Status.verified(row["payload"], keys) for row in rows]
        assert [status.sequence for status in found] == list(range(1, len(found) + 1))
        return [(status.state.value, status.code) for status in found]

    def pass_time(self, seconds: float) -> None:
        self.centre.clock.now_ms += int(seconds * 1000)

    def open_job(self) -> dict[str, Any]:
        (row,) = [row for row in self.centre.rows("jobs") if row["open"]]
        return row


@contextmanager
def desk_in(
    centre: Centre, outside: Outside, changed: Callable[[Registered], dict[str, Any]] = lambda _: {}
) -> Iterator[Desk]:
    """A case whose capture was just stored in that centre; `changed` gives fields of its bundle."""
    register = HttpRegister(RegisterConfig(base_url=outside.register_url, deadline_s=2))
    authority = HttpAuthority(AuthorityConfig(base_url=outside.authority_url, deadline_s=2))
    registered = centre.register()
    bundle = centre.bundle(registered, **changed(registered))
    centre.deliver(centre.sealed(bundle), bundle.bundle_id)
    steps = Steps(centre.store, centre.keys, load_rules(), register, authority, 5000, centre.clock)
    worker = JobWorker(centre.store, steps, centre.keys, CONFIG, tuple(JobKind), centre.clock, lambda: 0.5)
    with closing(register), closing(authority):
        yield Desk(centre, outside, registered, bundle.bundle_id, steps, worker)
