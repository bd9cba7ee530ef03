"""Runs the tests of the pure packages under coverage and fails where one of them is not covered well enough.

They are those of the contract `pure` in .importlinter; the tests of `a.b` lie in tests/a/b/ or tests/a/test_b*.py.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PERCENT_WANTED = 95.0


def pure_packages() -> list[str]:
    """Dotted names, from the one place that lists them."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    return contracts["importlinter:contract:pure"]["source_modules"].split()


def tests_of(package: str) -> list[Path]:
    """The folder and the file that mirror a package or module; those that exist."""
    *parents, name = package.split(".")
    folder = ROOT.joinpath("tests", *parents)
    return [path for path in (folder / name, *sorted(folder.glob(f"test_{name}*.py"))) if path.exists()]


def main() -> int:
    """Exit status: that of the tests, or 1 where a package lies under the gate."""
    packages = pure_packages()
    untested = [package for package in packages if not tests_of(package)]
    if untested:
        print(f"pure packages without tests: {', '.join(untested)}")
        return 1
    paths = [str(path) for package in packages for path in tests_of(package)]
    data = ROOT / ".cache" / "coverage"
    report = ROOT / ".cache" / "coverage.json"
    data.parent.mkdir(exist_ok=True)
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", f"--data-file={data}", f"--source={','.join(packages)}", "-m", "pytest", "-q", *paths]
    tested = subprocess.run(run, cwd=ROOT, check=False).returncode
    if tested:
        return tested
    made = [*coverage, "json", f"--data-file={data}", "-o", str(report), "-q"]
    subprocess.run(made, cwd=ROOT, check=True)
    files = json.loads(report.read_text("utf-8"))["files"]
    return max([_judge(package, files) for package in packages], default=1)


def _judge(package: str, files: dict[str, dict[str, dict[str, int]]]) -> int:
    """Prints one line for a package; 1 where it lies under the gate."""
    stem = package.replace(".", "/")
    mine = {name: each["summary"] for name, each in files.items() if name.startswith((f"{stem}.py", f"{stem}/"))}
    covered = sum(each["covered_lines"] + each["covered_branches"] for each in mine.values())
    total = sum(each["num_statements"] + each["num_branches"] for each in mine.values())
    percent = 100 * covered / total if total else 0.0
    print(f"{package:30} {percent:6.1f} % of {total} lines and branches (wanted {PERCENT_WANTED:.0f})")
    if percent >= PERCENT_WANTED:
        return 0
    for name, each in sorted(mine.items(), key=lambda item: item[1]["covered_lines"] - item[1]["num_statements"])[:5]:
        lines = f"{each['covered_lines']}/{each['num_statements']}"
        print(f"    {name}: lines {lines}, branches {each['covered_branches']}/{each['num_branches']}")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
