"""The passport that belongs to a form: the machine readable zone its holder's document would bear."""

from __future__ import annotations

from pathlib import Path

from drivers.camera.document import td3_lines
from wire.rules.tk01 import parse_tk01


def zone_of(form: Path) -> tuple[str, ...]:
    """The two lines of a passport that agrees with the form; none where its names are not in Latin letters."""
    tk01 = parse_tk01(form.read_bytes())
    try:
        return td3_lines(
            tk01.surname,
            tk01.given_names or "",
            tk01.document.number,
            tk01.nationality,
            tk01.birth_date,
            tk01.document.valid_until,
            sex=tk01.sex,
        )
    except ValueError:
        return ()
