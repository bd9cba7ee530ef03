"""The link's configuration: closed, checked, and refused with a sentence that names file and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from station.link.__main__ import main
from station.link.config import LinkConfig
from station.link.daemon import EXIT_CONFIG
from station.link.errors import LinkConfigInvalid
from wire.catalogue import bundled

GOOD = """
station_id = "st-0001"
state_dir = "/var/lib/eid"
host = "broker.example"
cafile = "ca.crt"
certfile = "tls.crt"
keyfile = "tls.key"
centre_keys = ["centre.json"]
"""


def load(tmp_path: Path, text: str) -> LinkConfig:
    path = tmp_path / "link.toml"
    path.write_text(text)
    return LinkConfig.load(path)


def test_a_short_configuration_has_sensible_numbers(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)

    assert (config.port, config.window, config.mqtt_version, config.keepalive_s) == (8883, 4, 5, 60)
    assert (config.reconnect_min_s, config.reconnect_max_s) == (1.0, 300.0)
    assert config.rules().silent_after_s == 150.0


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (GOOD + "verify = false\n", "verify"),
        (GOOD + 'opening_key = "x"\n', "opening_key"),
        (GOOD + "window = 0\n", "window"),
        (GOOD + 'port = "8883"\n', "port"),
        (GOOD + "mqtt_version = 3\n", "mqtt_version"),
        (GOOD.replace("st-0001", "ST 1"), "station_id"),
        (GOOD.replace('["centre.json"]', "[]"), "centre_keys"),
        (GOOD + "reconnect_max_s = 0.5\n", "(whole)"),
        ("host = ", "(file)"),
        ("", "station_id"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, field: str) -> None:
    """An unknown key is an error too: there is no switch that turns a check off."""
    with pytest.raises(LinkConfigInvalid) as caught:
        load(tmp_path, text)

    assert caught.value.params["field"] == field
    assert "link.toml" in bundled().of_error(caught.value).vi


def test_a_missing_file_ends_the_process_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.toml")]) == EXIT_CONFIG
    assert "Correct the file" in capsys.readouterr().err
    assert main([]) == 2


def test_every_sentence_of_the_link_fits_its_error() -> None:
    """Each class's sentence takes exactly the parameters its docstring names."""
    import station.link.errors as errors

    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.LinkError)]
    for cls in classes:
        assert cls.message_id in bundled(), cls
    assert len({cls.message_id for cls in classes}) == len(classes)
