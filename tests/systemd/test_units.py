"""The units as systemd reads them: valid, hardened, and fitting the users and folders that come with them."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"
GROUPS_OF_DEBIAN = {"video", "dialout"}
EXPOSURE_LIMIT = {"eid-capture.service": 0.5, "eid-link.service": 1.2}
"""Of 10, as `systemd-analyze security` of systemd 252 to 257 counts; each line it counts is explained in the unit."""


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def settings(unit: str) -> dict[str, list[str]]:
    """Every `key=value` of [Service]; a key may stand more than once."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in (UNITS / unit).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture(params=sorted(EXPOSURE_LIMIT))
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy whose command exists here; everything else as shipped."""
    text = (UNITS / request.param).read_text("utf-8")
    copy = tmp_path / str(request.param)
    copy.write_text(re.sub(r"^ExecStart=/opt/eid/\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return copy


def test_every_unit_is_tested() -> None:
    """A unit without a limit would pass unseen."""
    assert sorted(path.name for path in UNITS.glob("*.service")) == sorted(EXPOSURE_LIMIT)


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    """No unknown directive, no bad value: systemd ignores both at run time, and the protection with them."""
    checked = run(tool("systemd-analyze"), "verify", "--man=no", unit)

    assert checked.stderr == ""
    assert checked.returncode == 0


def test_exposure_stays_under_its_limit(unit: Path) -> None:
    """A directive that is dropped shows here."""
    judged = run(tool("systemd-analyze"), "security", "--offline=true", "--no-pager", unit)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", judged.stdout)

    assert level is not None, judged.stderr
    assert float(level[1]) <= EXPOSURE_LIMIT[unit.name]


def test_capture_has_no_network_and_link_no_devices() -> None:
    """P2: who sees a face has no network; who has the network sees no device and no key of the other."""
    capture, link = settings("eid-capture.service"), settings("eid-link.service")

    assert capture["PrivateNetwork"] == ["yes"]
    assert capture["RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    assert capture["IPAddressDeny"] == ["any"]
    assert link["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in link
    assert "-/etc/eid/capture" in link["InaccessiblePaths"][0].split()
    assert "-/etc/eid/link" in capture["InaccessiblePaths"][0].split()


def test_nothing_of_a_person_reaches_the_disk_by_the_back_door() -> None:
    """No core dump, no swapped page, and the draft's key in memory across restarts."""
    capture = settings("eid-capture.service")

    assert capture["LimitCORE"] == ["0"]
    assert capture["MemorySwapMax"] == ["0"]
    assert capture["RuntimeDirectory"] == ["eid-capture"]
    assert capture["RuntimeDirectoryPreserve"] == ["yes"]


@pytest.mark.parametrize("name", sorted(EXPOSURE_LIMIT))
def test_a_dead_daemon_comes_back_and_a_hung_one_is_ended(name: str) -> None:
    """Crash-only: restarted in a second, as often as needed, and watched."""
    service = settings(name)
    unit_section = configparser.ConfigParser(strict=False, interpolation=None)
    unit_section.read(UNITS / name, encoding="utf-8")

    assert service["Type"] == ["notify"]
    assert service["Restart"] == ["always"]
    assert service["RestartSec"] == ["1"]
    assert int(service["WatchdogSec"][0]) <= 60
    assert unit_section["Unit"]["StartLimitIntervalSec"] == "0"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root directory in which systemd's own tools made users and folders."""
    if os.geteuid() != 0:
        pytest.skip("making users and folders of others needs root")
    root = tmp_path_factory.mktemp("root")
    for kind in ("sysusers.d", "tmpfiles.d"):
        (root / "usr/lib" / kind).mkdir(parents=True)
        shutil.copy(UNITS / kind / "eid.conf", root / "usr/lib" / kind)
    (root / "etc").mkdir()
    users = run(tool("systemd-sysusers"), f"--root={root}")
    assert users.returncode == 0, users.stderr
    folders = run(tool("systemd-tmpfiles"), "--create", f"--root={root}")
    assert folders.returncode == 0, folders.stderr
    return root


def ids(machine: Path, file: str) -> dict[str, int]:
    lines = (machine / "etc" / file).read_text("utf-8").splitlines()
    return {line.split(":")[0]: int(line.split(":")[2]) for line in lines}


def test_every_user_and_group_of_a_unit_is_made(machine: Path) -> None:
    """A missing group would keep the unit from starting."""
    users, groups = ids(machine, "passwd"), ids(machine, "group")
    for name in EXPOSURE_LIMIT:
        service = settings(name)

        assert service["User"][0] in users
        assert (
            set(service["Group"] + service.get("SupplementaryGroups", [""])[0].split())
            <= groups.keys() | GROUPS_OF_DEBIAN
        )


@pytest.mark.parametrize(
    ("folder", "mode", "owner"),
    [
        ("var/lib/eid/outbox", 0o2770, "root"),
        ("var/lib/eid/inbox/case", 0o2770, "root"),
        ("var/lib/eid/quarantine", 0o2770, "root"),
        ("var/lib/eid/draft", 0o700, "eid-capture"),
        ("etc/eid/capture", 0o700, "eid-capture"),
        ("etc/eid/link", 0o700, "eid-link"),
    ],
)
def test_folders_belong_to_whom_they_should(machine: Path, folder: str, mode: int, owner: str) -> None:
    """The spool is shared by the group; drafts and keys are one daemon's alone."""
    found = (machine / folder).stat()

    assert oct(stat.S_IMODE(found.st_mode)) == oct(mode)
    assert found.st_uid == ({"root": 0} | ids(machine, "passwd"))[owner]
    assert found.st_gid == ids(machine, "group")["eid"]


def test_udev_rules_are_valid() -> None:
    """udevadm verify exists from systemd 254 on."""
    udevadm = tool("udevadm")
    if "verify" not in run(udevadm, "--help").stdout:
        pytest.skip("this udevadm cannot verify rules (systemd before 254)")
    checked = run(udevadm, "verify", "--no-style", UNITS / "udev" / "70-eid.rules")

    assert checked.returncode == 0, checked.stderr + checked.stdout
