"""LINK-004: the link touches no device and holds no key that opens, seals or signs a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

harness = sys.modules["eid_link_harness"]
bundle_id, until = harness.bundle_id, harness.until

WATCHED = """
import json, os, sys
from pathlib import Path
seen = {"open": [], "connect": []}
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
        seen["open"].append(os.fsdecode(args[0]))
    elif event == "socket.connect" and sys._getframe(1).f_code.co_name != "_socketpair_compat":
        seen["connect"].append(list(args[1]) if isinstance(args[1], tuple) else str(args[1]))
sys.addaudithook(hook)
from station.link.config import LinkConfig
from station.link.daemon import run_link
code = run_link(LinkConfig.load(Path(sys.argv[1])), environment={})
seen["modules"] = sorted(sys.modules)
Path(sys.argv[2]).write_text(json.dumps(seen))
sys.exit(code)
"""


def test_a_working_link_opens_no_device_no_capture_key_and_only_the_broker(
    site: Any, centre: Any, tmp_path: Path
) -> None:
    """Watched by an audit hook through start, delivery and the end; paho's own wake-up pair is no connection."""
    site.put(1)
    report = tmp_path / "seen.json"
    command = [sys.executable, "-c", WATCHED, str(site.config_file()), str(report)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until(lambda: not site.outbox(), "the outbox to empty")
        process.terminate()

        assert process.wait(harness.DEADLINE_S) == 0

    seen = json.loads(report.read_text())
    opened = [os.path.realpath(path) for path in seen["open"]]
    link_keys = {path for path in opened if str(site.keys) in path}

    assert {Path(path).name for path in link_keys} <= {"tls.crt", "tls.key", "ca.crt", "centre-verifying.json"}
    assert link_keys, "the hook saw the files it should see"
    assert not [path for path in opened if path.startswith("/dev/") and path not in ("/dev/null", "/dev/urandom")]
    assert {tuple(address) for address in seen["connect"] if isinstance(address, list)} == {
        ("127.0.0.1", site.broker.port)
    }
    ours = {name.split(".")[0] for name in seen["modules"]}
    assert not ours & {"drivers", "models", "gpiozero", "picamera2", "serial", "numpy", "tflite_runtime", "PIL"}
    assert not [name for name in seen["modules"] if name.startswith(("station.capture", "station.workflow"))]


def test_the_configuration_has_no_place_for_such_a_key() -> None:
    """What cannot be named cannot be read."""
    fields = set(harness.LinkConfig.model_fields)

    assert {name for name in fields if "key" in name} == {"keyfile", "centre_keys"}


def test_the_brain_and_what_it_needs_are_pure() -> None:
    """No I/O, clock, thread or chance, but what our own wire package brings."""
    impure = ("asyncio", "http", "multiprocessing", "paho", "queue", "random", "select", "socket", "ssl", "subprocess")
    impure += ("tempfile", "threading", "time", "pathlib", "os", "signal")
    for name in ("brain", "connection", "events", "mail", "rules", "state", "window", "inbound", "errors"):
        source = (Path(harness.__file__).parents[3] / "station/link" / f"{name}.py").read_text()
        imported = {
            line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
        }

        assert not imported & set(impure), name
