"""The numbers the link brain works with, the reason codes it knows, and the two waiting rules. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NO_SUBSCRIBER, PACKET_TOO_LARGE, QUOTA, FAILURE = 0x10, 0x95, 0x97, 0x80
"""MQTT 5 reason codes (OASIS MQTT 5.0 §2.4); from FAILURE on a code is a refusal."""

Uniform = Callable[[], float]
"""A random number in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Rules:
    """From the configuration (station/link/config.py)."""

    station_id: str
    software: str
    window: int
    resend_s: float
    resend_max_s: float
    reconnect_min_s: float
    reconnect_max_s: float
    poison_disconnects: int
    connect_deadline_s: float
    answer_deadline_s: float
    silent_after_s: float
    ack_deadline_s: float
    stable_after_s: float
    state_interval_s: float
    ack_interval_s: float = 300.0
    """How often the age of the last answer is written where nothing else changes."""


def jitter(base_s: float, limit_s: float, attempt: int, uniform: Uniform) -> float:
    """Full jitter: uniform in [0, min(limit, base * 2^(attempt-1))), `attempt` counted from 1."""
    return uniform() * min(limit_s, base_s * 2.0 ** min(attempt - 1, 32))


def reconnect_delay(rules: Rules, attempt: int, uniform: Uniform) -> float:
    """At least the minimum, so that a broker that refuses at once is never hammered; `attempt` counted from 1."""
    spread = max(0.0, rules.reconnect_max_s - rules.reconnect_min_s)
    return rules.reconnect_min_s + jitter(rules.reconnect_min_s, spread, attempt, uniform)
