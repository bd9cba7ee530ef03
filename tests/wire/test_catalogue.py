"""The message catalogue: every error and every reason has a sentence in both languages, and bad files are refused."""

from __future__ import annotations

import importlib
import pkgutil
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire
from tests.wire.fuzzing import fuzz
from wire.catalogue import Catalogue, Text, bundled, parse
from wire.envelope import EnvelopeRejected, Reason
from wire.errors import CatalogueError, EidError


def all_errors() -> set[type[EidError]]:
    for module in pkgutil.walk_packages(wire.__path__, "wire."):
        importlib.import_module(module.name)
    found, todo = {EidError}, [EidError]
    while todo:
        children = todo.pop().__subclasses__()
        found.update(children)
        todo += children
    return {error for error in found if error.__module__.startswith("wire.")}


def test_every_error_of_the_wire_has_a_sentence() -> None:
    """`message_id` names one; an officer never sees a code alone."""
    missing = {error.__name__: error.message_id for error in all_errors() if error.message_id not in bundled()}

    assert missing == {}
    assert len(all_errors()) >= 6


def test_every_reason_of_an_envelope_has_a_sentence() -> None:
    """A rejected bundle is shown by `reject.<reason>`."""
    assert [reason for reason in Reason if f"reject.{reason.value}" not in bundled()] == []


def test_an_error_fills_its_sentence() -> None:
    """In both languages, from its parameters."""
    text = bundled().of_error(EnvelopeRejected(Reason.SIGNATURE))

    assert "signature" in text.vi
    assert "signature" in text.en
    assert "{" not in text.vi + text.en


def test_placeholders_are_plain_words_in_every_bundled_text() -> None:
    """A sentence prints a parameter, it never reaches into one."""
    for key in bundled():
        raw = bundled()._texts[key]
        for text in (raw.vi, raw.en):
            names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]

            assert all(name.isidentifier() for name in names), key


@pytest.mark.parametrize(
    "toml",
    [
        "[a]\nvi = 'x'",
        "[a]\nen = 'x'",
        "[a]\nvi = 'x'\nen = ''",
        "[a]\nvi = 'x {n}'\nen = 'x'",
        "[a]\nvi = 'x {n}'\nen = 'x {m}'",
        "[a]\nvi = 'x'\nen = 'x'\nfr = 'x'",
        "[a]\nvi = 'x'\nen = 'x'\nsize = 1",
        "[a]\nvi = 'e\u0302'\nen = 'x'",
        "[a]\nvi = 'x {'\nen = 'x {'",
        "[a]\nvi = 'x {}'\nen = 'x {}'",
        "[a]\nvi = 'x {n.__class__}'\nen = 'x {n.__class__}'",
        "[a]\nvi = 'x {n[0]}'\nen = 'x {n[0]}'",
        "[a",
        "a = 1",
    ],
)
def test_unfit_files_are_refused(toml: str) -> None:
    """One language missing, other placeholders, not NFC, keys beyond, no TOML."""
    with pytest.raises(CatalogueError):
        parse("area", toml)


@fuzz
@given(st.text(max_size=60))
def test_any_text_is_a_catalogue_or_refused_by_name(toml: str) -> None:
    """No other exception."""
    try:
        found = parse("area", toml)
    except CatalogueError:
        return

    assert all(isinstance(text, Text) for text in found.values())


def test_a_missing_key_or_parameter_is_an_error() -> None:
    """Nothing falls back silently."""
    catalogue = Catalogue(parse("area", "[a.b]\nvi = 'còn {n}'\nen = '{n} left'"))

    assert catalogue.text("a.b", n=3) == Text("còn 3", "3 left")
    assert list(catalogue) == ["a.b"]
    with pytest.raises(CatalogueError):
        catalogue.text("a.c")
    with pytest.raises(CatalogueError):
        catalogue.text("a.b", m=3)


def test_braces_in_a_parameter_stay_as_they_are() -> None:
    """A parameter is data, never a template."""
    catalogue = Catalogue({"a": Text("{n}", "{n}")})

    assert catalogue.text("a", n="{secret}").en == "{secret}"


def test_a_device_is_named_in_each_language() -> None:
    """The officer reads `đầu đọc vân tay`, not a configuration key; a value without a name stands as it is."""
    named = bundled().text("error.driver.lost", device="fingerprint")
    unnamed = bundled().text("error.driver.lost", device="scale")

    assert "đầu đọc vân tay" in named.vi
    assert "fingerprint sensor" in named.en
    assert "scale" in unnamed.vi
