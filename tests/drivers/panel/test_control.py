"""The control socket's language."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.panel.control import MAX_LINE_BYTES, Command, Malformed, Operation, chatter, form, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_command_or_malformed(line: bytes) -> None:
    """Whatever comes in: a command, or a reason; never anything else."""
    with contextlib.suppress(Malformed):
        assert isinstance(parse(line), Command)


@given(
    st.sampled_from([op for op in Operation if op not in (Operation.GET, Operation.WATCH)]),
    st.text(min_size=1, max_size=20) | st.integers(0, 27),
    st.floats(0.001, 60),
)
def test_a_formed_command_parses_to_itself(op: Operation, pin: str | int, for_s: float) -> None:
    """The remote and the panel speak the same language."""
    command = parse(form({"op": op.value, "pin": pin, "for_s": for_s}))

    assert (command.op, command.pin, command.held_s) == (op, pin, for_s)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[" * 5000, f"longer than {MAX_LINE_BYTES}"),
        (b"[" * 4000, "not JSON"),
        (b'{"op":"dance"}', "op: "),
        (b'{"op":"tap"}', "pin: tap needs one"),
        (b'{"op":"hold","pin":"officer_ok","for_s":1e9}', "for_s: "),
        (b'{"op":"tap","pin":"officer_ok","colour":1}', "colour: "),
    ],
)
def test_a_malformed_line_says_what_is_wrong(line: bytes, reason: str) -> None:
    """The reply helps whoever types commands by hand."""
    with pytest.raises(Malformed, match=reason):
        parse(line)


@given(st.integers(1, 100), st.floats(0.0001, 0.1), st.floats(0.001, 5))
def test_chatter_alternates_and_ends_released(times: int, gap_s: float, held_s: float) -> None:
    """Every edge is a change, in order of time; the button ends up."""
    edges = chatter(times, gap_s, held_s)
    levels = [level for _, level in edges]

    assert [at for at, _ in edges] == sorted(at for at, _ in edges)
    assert levels[0] is True
    assert levels[-1] is False
    assert levels[2 * times] is True
    assert sum(levels) == 2 * times + 1
