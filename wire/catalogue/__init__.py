"""The message catalogue: every sentence a person reads, in Vietnamese and English.

Texts lie in the TOML files beside this module, one file per area; a key is the dotted table name and each table
holds `vi` and `en` (`str.format` placeholders, the same in both). Reading these files is package data, not I/O of
the process. Must never fall back silently: an unknown key is an error.
"""

from __future__ import annotations

import string
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from wire.errors import CatalogueError, EidError


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages, NFC. Vietnamese is shown first, English beside it."""

    vi: str
    en: str


class Catalogue:
    """All texts by key.

    Args:
        texts: key to Text; placeholders agree between the languages.
    """

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = dict(texts)

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def text(self, message_id: str, **params: str | int | float) -> Text:
        """The sentence, filled. Raises CatalogueError for an unknown key or a missing parameter.

        A parameter whose value has a name of its own (`name.<parameter>.<value>`, e.g. `name.device.camera`) is filled
        with that name in each language; any other stands as it is.
        """
        raw = self._texts.get(message_id)
        if raw is None:
            raise CatalogueError(key=message_id)
        names = {field: self._texts.get(f"name.{field}.{value}") for field, value in params.items()}
        vi = {field: value if (name := names[field]) is None else name.vi for field, value in params.items()}
        en = {field: value if (name := names[field]) is None else name.en for field, value in params.items()}
        try:
            return Text(raw.vi.format(**vi), raw.en.format(**en))
        except KeyError as missing:
            raise CatalogueError(key=message_id, parameter=str(missing.args[0])) from None

    def of_error(self, error: EidError) -> Text:
        """The sentence of an error."""
        return self.text(error.message_id, **error.params)


def parse(area: str, toml: str) -> dict[str, Text]:
    """The texts of one area file. Raises CatalogueError for anything but complete, NFC, matching entries."""
    found: dict[str, Text] = {}
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError:
        raise CatalogueError(key=area) from None
    _walk("", table, found, area)
    return found


def _walk(prefix: str, table: Mapping[str, Any], found: dict[str, Text], area: str) -> None:
    """A table may hold a text (both languages or neither) and further tables."""
    languages = {name: value for name, value in table.items() if isinstance(value, str)}
    if languages:
        if set(languages) != {"vi", "en"}:
            raise CatalogueError(key=f"{area}:{prefix}")
        found[prefix] = _checked(prefix, Text(languages["vi"], languages["en"]))
    for name, child in table.items():
        if isinstance(child, dict):
            _walk(f"{prefix}.{name}" if prefix else name, child, found, area)
        elif name not in languages:
            raise CatalogueError(key=f"{area}:{prefix}.{name}")


def _checked(key: str, text: Text) -> Text:
    fields = [_placeholders(key, value) for value in (text.vi, text.en)]
    whole = all(value and unicodedata.is_normalized("NFC", value) for value in (text.vi, text.en))
    if not whole or fields[0] != fields[1]:
        raise CatalogueError(key=key)
    return text


def _placeholders(key: str, text: str) -> set[str]:
    """Their names; a plain word each, so that a sentence can never reach into a value."""
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        raise CatalogueError(key=key) from None
    if not all(name.isidentifier() for name in names):
        raise CatalogueError(key=key)
    return names


@lru_cache(maxsize=1)
def bundled() -> Catalogue:
    """The catalogue that ships with the package. Raises CatalogueError where two areas define one key."""
    texts: dict[str, Text] = {}
    for entry in sorted(resources.files(__package__).iterdir(), key=lambda found: found.name):
        if not entry.name.endswith(".toml"):
            continue
        area = parse(entry.name, entry.read_text("utf-8"))
        twice = texts.keys() & area.keys()
        if twice:
            raise CatalogueError(key=sorted(twice)[0])
        texts |= area
    return Catalogue(texts)
