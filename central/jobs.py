"""The job loop: claims what is due, does it, puts off what failed. One thread per kind, so that a slow register never
keeps the authority's answers waiting.

A failure of an outside system, or any exception at all, is a reason in the job's row and a later try; the loop goes on
with the next job. Must never do a job whose lease it lost.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from central import log
from central.clock import NowMs
from central.config import JobsConfig
from central.errors import OutsideSystemError, StoreUnavailable
from central.keys import CentreKeys
from central.steps import LeaseLost, Steps
from central.store import jobs
from central.store.engine import Store
from central.store.jobs import Backoff, Job, JobKind
from central.store.statuses import News, held_case, record

Chance = Callable[[], float]


class JobWorker:
    """Claims and does jobs of some kinds, one at a time.

    Args:
        chance: a number in [0, 1) for the jitter of the back-off.
    """

    def __init__(
        self,
        store: Store,
        steps: Steps,
        keys: CentreKeys,
        config: JobsConfig,
        kinds: tuple[JobKind, ...],
        now_ms: NowMs,
        chance: Chance = random.random,
    ) -> None:
        self._store = store
        self._steps = steps
        self._keys = keys
        self._config = config
        self._kinds = kinds
        self._now_ms = now_ms
        self._backoff = Backoff(int(config.first_retry_s * 1000), int(config.longest_retry_s * 1000), chance)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Raises StoreUnavailable."""
        while not stop.is_set():
            if not self.one():
                stop.wait(self._config.idle_s)

    def one(self) -> bool:
        """Does one job that is due; False where there was none."""
        with self._store.read() as connection:
            if not jobs.any_due(connection, self._kinds, self._now_ms()):
                return False
        with self._store.write() as connection:
            lease_ms = int(self._config.lease_s * 1000)
            job = jobs.claim(connection, self._kinds, self._now_ms(), lease_ms, self._backoff)
        if job is None:
            return False
        try:
            self._steps.run(job)
        except LeaseLost:
            log.warning("lease_lost", job=job.id, kind=job.kind.value)
        except StoreUnavailable:
            raise
        except OutsideSystemError as error:
            log.warning("job_put_off", job=job.id, kind=job.kind.value, dossier=job.dossier_id, reason=str(error))
            self._put_off(job, _code_of(error))
        except Exception as error:
            log.failure("job_failed", error, job=job.id, kind=job.kind.value, dossier=job.dossier_id)
            self._put_off(job, f"unexpected:{type(error).__name__}"[:64])
        return True

    def _put_off(self, job: Job, reason: str) -> None:
        now_ms = self._now_ms()
        with self._store.write() as connection:
            jobs.put_off(connection, job, now_ms + self._backoff.after(job.attempts), reason, answered=False)
            if job.attempts == self._config.alarm_attempts:
                case = held_case(connection, job.dossier_id)
                detail = {"job": job.kind.value, "reason": reason, "attempts": job.attempts}
                news = News("job_stuck", "centre", detail=detail)
                record(connection, case, job.bundle_id, news, self._keys.signing, now_ms)


def _code_of(error: OutsideSystemError) -> str:
    words = (error.message_id.rsplit("_", 1)[-1], error.params.get("operation", ""), error.params.get("status", ""))
    return ":".join(str(word) for word in words if word)[:64]
