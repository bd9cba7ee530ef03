"""When a zone counts as read: the same text in two frames, each with all its check digits right.

Names have no check digit, so one frame may be wrong in them and look right. Must never accept a single frame.
"""

from __future__ import annotations

from collections import Counter, deque

from wire.rules.mrz import MrzInvalid, parse_mrz

NEEDED = 2
REMEMBERED = 12


class MrzConsensus:
    """Collects the readings of one page. Call `reset` for the next one."""

    def __init__(self) -> None:
        self._read: deque[tuple[str, ...]] = deque(maxlen=REMEMBERED)

    def reset(self) -> None:
        """Forgets everything."""
        self._read.clear()

    def add(self, lines: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Takes one frame's reading, None for none; gives the text once two of the last readings agree on it.

        Where another text was read as often, a further frame must decide. Text that does not hold its own check
        digits is not counted.
        """
        if lines is None:
            return None
        try:
            parse_mrz(lines)
        except MrzInvalid:
            return None
        self._read.append(lines)
        counted = Counter(self._read)
        others = max((many for text, many in counted.items() if text != lines), default=0)
        return lines if counted[lines] >= NEEDED and counted[lines] > others else None
