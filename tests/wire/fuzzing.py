"""How hypothesis runs here: no deadline by the clock of a shared machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

fuzz = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
"""For tests of milliseconds an example."""

fuzz_slowly = settings(fuzz, max_examples=40)
"""For tests that make envelopes in each example."""
