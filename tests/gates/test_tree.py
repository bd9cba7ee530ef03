"""What the tree as a whole must and must not hold."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from wire.catalogue import bundled
from wire.errors import EidError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("wire", "drivers", "models", "station", "central", "provisioning")
MOST_LINES = 400
OF_A_PI_ONLY = frozenset({"libcamera", "picamera2", "pykms", "lgpio", "spidev"})
"""Libraries that a developer's machine may lack; a module that needs one defines no errors of its own."""
OWN_WEIGHTS = re.compile(r"models/demo[\w-]*\.tflite|models/document/glyphs\.json")
"""Made by the scripts under models/train; a card under models/cards says how."""
LONGER_FILES: frozenset[str] = frozenset()
"""Files that may be longer, with a reason each. None."""


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the repository; without git (an unpacked archive) every file below the root that is source."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if listed.returncode == 0:
        return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    skipped = {".venv", ".cache", "build", "demo-output"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(str(path) for path in found if path.parts[0] not in skipped and "__pycache__" not in path.parts)


@cache
def texts() -> dict[str, str]:
    """Every file that is text."""
    found: dict[str, str] = {}
    for name in tracked():
        raw = (ROOT / name).read_bytes()
        if b"\0" not in raw:
            found[name] = raw.decode("utf-8", "replace")
    return found


def lines_with(pattern: str, *, but: tuple[str, ...] = ()) -> list[str]:
    """`file:line` of every match outside this file and the files named."""
    own = str(Path(__file__).relative_to(ROOT))
    wanted = re.compile(pattern)
    return [
        f"{name}:{number}"
        for name, text in texts().items()
        if name not in (own, *but)
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


def test_there_is_a_tree_to_look_at() -> None:
    """Else every test below would pass on nothing."""
    assert len(texts()) > 50
    assert {"Makefile", "pyproject.toml", "wire/errors.py"} <= set(texts())


def test_no_path_of_one_machine() -> None:
    """What lies beside the repository is found as ../shared from its own place, never by absolute path."""
    assert lines_with(r"(?<![\w.])/(work|root|workspace)/\w") == []


def test_the_locks_name_no_index() -> None:
    """A lock pins versions and hashes; where packages come from is the machine's business."""
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text("utf-8")

        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|file:", text), lock.name
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert block.startswith("#") or "--hash=sha256:" in block, f"{lock.name}: {block.splitlines()[0]}"


def test_the_locks_agree() -> None:
    """Installed one after the other, the second must not change what the first brought."""
    pins: dict[str, set[str]] = {}
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE):
            pins.setdefault(name, set()).add(version)
    main = (ROOT / "requirements" / "dev.lock").read_text("utf-8")

    for name, versions in pins.items():
        in_main = set(re.findall(rf"^{re.escape(name)}==(\S+)", main, re.MULTILINE))
        assert not in_main or versions == in_main, name


@pytest.mark.parametrize(("wanted", "lock"), [("station", "station"), ("dev", "dev"), ("picamera2", "picamera2")])
def test_every_requirement_is_locked(wanted: str, lock: str) -> None:
    """A line added to an .in file alone would be installed nowhere; scripts/lock.sh pins it."""
    waiting, names = [f"{wanted}.in"], set()
    while waiting:
        for line in (ROOT / "requirements" / waiting.pop()).read_text("utf-8").splitlines():
            if line.startswith("-r "):
                waiting.append(line.removeprefix("-r "))
            elif line and not line.startswith("#"):
                names.add(re.split(r"[^A-Za-z0-9_.-]", line)[0].lower().replace(".", "-").replace("_", "-"))
    pinned = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")

    assert names
    assert names <= set(re.findall(r"^([a-z0-9-]+)==", pinned, re.MULTILINE))


def test_no_file_is_too_long() -> None:
    """A module over the limit holds two things."""
    code = (name for name in texts() if name.endswith((".py", ".sh")) and name not in LONGER_FILES)
    long = {name: texts()[name].count("\n") for name in code if texts()[name].count("\n") > MOST_LINES}

    assert long == {}


def test_nothing_is_left_for_later_in_the_code() -> None:
    """What is not done stands in the documents or nowhere."""
    assert lines_with(r"\b(TODO|FIXME)\b") == []


def test_no_module_without_a_subject() -> None:
    """A name says what is inside."""
    banned = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")
    names = [name for name in tracked() if name.endswith(".py")]

    assert [name for name in names if any(banned.search(part) for part in Path(name).with_suffix("").parts)] == []


def test_only_models_made_here_are_in_the_tree() -> None:
    """Other people's weights are fetched from their origin and checked; only our own model may be committed."""
    weights = re.compile(r"\.(tflite|onnx|pt|pth|h5|pb|caffemodel|bin|xml\.gz|npz|npy)$|^models/.*\.json$")
    found = [name for name in tracked() if weights.search(name)]

    assert [name for name in found if not OWN_WEIGHTS.fullmatch(name)] == []


def test_weights_do_not_hide_in_text() -> None:
    """Long base64 in a source or data file is a model by another name; the glyphs' file is the only one."""
    dense = re.compile(r"[A-Za-z0-9+/]{90,}={0,2}\W*$")
    packages = {name: text for name, text in texts().items() if name.split("/")[0] in PACKAGES}
    found = [name for name, text in packages.items() if sum(map(bool, map(dense.search, text.splitlines()))) > 20]

    assert [name for name in found if not OWN_WEIGHTS.fullmatch(name)] == []


def test_every_data_file_travels_with_the_packages() -> None:
    """An installed station has what a checkout has: each suffix under a package is one that setuptools takes along."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    taken = {pattern.removeprefix("*") for pattern in project["tool"]["setuptools"]["package-data"]["*"]} | {".py"}
    inside = [name for name in tracked() if name.split("/")[0] in PACKAGES]

    assert [name for name in inside if Path(name).suffix not in taken] == []


def test_no_private_key_is_in_the_tree() -> None:
    """Keys are made where they are used. Test vectors name their own as such."""
    assert lines_with(r"-----BEGIN [A-Z ]*PRIVATE KEY-----") == []


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] not in OF_A_PI_ONLY:
            raise


def every_error() -> list[type[EidError]]:
    """Every subclass of EidError of ours; a module that does not import fails the test, except for a Pi's libraries."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not found.name.endswith("__main__") and ".migrations." not in found.name:
                _import(found.name)
    waiting, known = [EidError], []
    while waiting:
        error = waiting.pop()
        known.append(error)
        waiting.extend(error.__subclasses__())
    return [error for error in known if error.__module__.split(".")[0] in PACKAGES]


def test_every_error_has_its_sentence_in_both_languages() -> None:
    """Vietnamese and English, in the catalogue, and not the same."""
    catalogue = bundled()
    errors = every_error()
    missing = {error.__qualname__: error.message_id for error in errors if error.message_id not in catalogue}

    assert len(errors) > 30
    assert missing == {}


def test_every_text_is_in_two_languages() -> None:
    """Nobody copied one into the other; single marks and proper names aside."""
    same = []
    for file in sorted((ROOT / "wire" / "catalogue").glob("*.toml")):
        waiting = [(file.stem, tomllib.loads(file.read_text("utf-8")))]
        while waiting:
            key, table = waiting.pop()
            if isinstance(table.get("vi"), str):
                if table["vi"] == table["en"] and len(table["vi"].split()) > 2:
                    same.append(key)
            else:
                waiting += [(f"{key}.{name}", child) for name, child in table.items()]

    assert same == []


@pytest.mark.parametrize("command", ["eid-station", "eid-central", "eid-fleet"])
def test_every_command_has_its_entry(command: str) -> None:
    """The names the packages promise lead to something callable."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    module, function = project["scripts"][command].split(":")

    assert callable(getattr(importlib.import_module(module), function))
