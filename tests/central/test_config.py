"""The configuration: everything has a place, everything else is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.config import CentralConfig
from central.errors import ConfigInvalid, KeysMissing
from central.keys import load_keys
from tests.central.site import Site
from wire.keys import KeyInvalid


def test_paths_count_from_the_file(bare_site: Site) -> None:
    """So that a centre can be moved as a folder."""
    config = CentralConfig.load(bare_site.config_path)

    assert config.data_dir == bare_site.root / "data"
    assert config.broker.ca_file == bare_site.fleet.layout.centre / "ca.crt"
    assert config.keys.opening_files == (bare_site.fleet.layout.centre_opening_key,)
    assert config.store_url == f"sqlite:///{bare_site.root / 'data' / 'central.sqlite'}"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('data_dir = "data"', 'data_dir = "data"\ncolour = "blue"', "colour"),
        ("poll_s = 0.1", "poll_s = 0.1\npol_s = 2", "jobs.pol_s"),
        ('plan = "single-2"', "plan = 2", "cases.plan"),
        ('host = "127.0.0.1"', "", "broker.host"),
        ("lease_s = 15", "lease_s = -1", "jobs.lease_s"),
        ("[authority]\nbase_url", "[authority]\nbase_url_", "authority.base_url"),
        ("http://127.0.0.1:9", "ftp://127.0.0.1", "register.base_url"),
        ("http://127.0.0.1:9", "http://register.example.gov.vn", "register.base_url"),
        ("http://127.0.0.1:9", "http://127.0.0.1.example.org", "register.base_url"),
        ("http://127.0.0.1:9", "https://user:secret@register.example.gov.vn", "register.base_url"),
    ],
)
def test_wrong_key_or_value_is_named(bare_site: Site, old: str, new: str, field: str) -> None:
    """The sentence names file and field."""
    with pytest.raises(ConfigInvalid) as caught:
        bare_site.write_config(**{old: new})

    assert caught.value.params["field"] == field
    assert caught.value.params["file"] == str(bare_site.config_path)


def test_plain_http_is_for_this_machine_only(bare_site: Site) -> None:
    """P2: forms and pictures go to these addresses. TLS elsewhere; there is no switch."""
    for url in ("https://register.example.gov.vn/osia", "http://localhost:8080", "http://[::1]:8080"):
        assert bare_site.write_config(**{"http://127.0.0.1:9": url}).register_.base_url == url


def test_lease_shorter_than_the_questions_is_refused(bare_site: Site) -> None:
    """With two job workers a slow register would never be done with."""
    with pytest.raises(ConfigInvalid) as caught:
        bare_site.write_config(**{"lease_s = 15": "lease_s = 14"})

    assert "jobs.lease_s must be at least 15" in str(caught.value.params["problem"])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[broker", b"a = 1"])
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, not UTF-8, not TOML, something else."""
    path = tmp_path / "central.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigInvalid):
        CentralConfig.load(path)


@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_reader(tmp_path: Path, data: bytes) -> None:
    """Fuzzed."""
    path = tmp_path / "central.toml"
    path.write_bytes(data)

    with pytest.raises(ConfigInvalid):
        CentralConfig.load(path)


def test_missing_or_foreign_key_file_is_named(bare_site: Site) -> None:
    """A signing key where an opening key should be is refused."""
    config = CentralConfig.load(bare_site.config_path)
    layout = bare_site.fleet.layout
    signing = layout.centre_signing_key.read_bytes()
    layout.centre_opening_key.write_bytes(signing)
    with pytest.raises(KeyInvalid):
        load_keys(config.keys)
    layout.centre_opening_key.unlink()

    with pytest.raises(KeysMissing):
        load_keys(config.keys)
