"""Fingerprints, measured: transfer time and CPU per image, a whole session, quality, and how well the prints separate.

Prints tables; asserts nothing. Transfers and sessions run against the emulated sensor at line rate over the real
library, pyserial and a pty. The last table needs an independent matcher (`pip install afis`, a SourceAFIS-like one in
Python) in the running interpreter, or in the one that EID_MATCHER_PYTHON names (with pydantic, cryptography and
pyserial beside it), and says so where it is missing; it shows that stored images can be matched by somebody else's
code and says nothing about accuracy on people.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drivers.fingerprint import minutiae, quality
from drivers.fingerprint.emulated import prints
from drivers.fingerprint.profiles import PROFILES, Profile
from drivers.fingerprint.proto import OVERHEAD_BYTES
from wire.fingers import FingerPosition
from wire.records import png4

PACKET_BYTES = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fingers", type=int, default=10, help="of the whole session")
    parser.add_argument("--images", type=int, default=3, help="transfers per row")
    parser.add_argument("--only", choices=["transfer", "session", "quality", "separation"])
    parser.add_argument("--people", type=int, default=3, help="of the separation table, two fingers each")
    options = parser.parse_args()
    chosen = [options.only] if options.only else ["transfer", "session", "quality", "separation"]
    if "transfer" in chosen:
        _transfers(options.images)
    if "session" in chosen:
        _sessions(options.fingers)
    if "quality" in chosen:
        _quality()
        _likeness()
    if "separation" in chosen:
        _separation(options.people)


def wire_bytes(profile: Profile) -> int:
    """What an image costs on the line: acknowledgement and data packets."""
    packets = -(-profile.image_bytes // PACKET_BYTES)
    return OVERHEAD_BYTES + 1 + profile.image_bytes + packets * OVERHEAD_BYTES


def _timed(call: Callable[[], object], times: int) -> tuple[float, float]:
    """Median seconds and CPU seconds of one call."""
    spans = []
    for _ in range(times):
        started, used = time.perf_counter(), time.process_time()
        call()
        spans.append((time.perf_counter() - started, time.process_time() - used))
    return statistics.median(span for span, _ in spans), statistics.median(used for _, used in spans)


def _transfers(images: int) -> None:
    from drivers.fingerprint.opening import SensorSettings
    from drivers.fingerprint.remote import EmulatedProcess
    from drivers.fingerprint.sensor import Sensor

    print(f"\n{'image transfer':<16}{'baud':>8}{'minimum s':>11}{'driver s':>10}{'ratio':>7}{'CPU s':>8}", end="")
    print(f"{'bare s':>9}{'bare CPU s':>12}")
    for name, profile in PROFILES.items():
        with tempfile.TemporaryDirectory() as folder, EmulatedProcess(Path(folder), name, "line") as process:
            remote = process.remote()
            sensor = Sensor(SensorSettings(str(process.link)))
            sensor.open()
            remote.place("bench", "right_thumb")
            sensor.get_image()
            minimum_s = 10 * wire_bytes(profile) / 115_200
            taken_s, used_s = _timed(sensor.download_image, images)
            sensor.close()
            bare_s, bare_used_s = _bare(process.link, images)
            remote.close()
        row = (
            f"{profile.name:<16}{115200:>8}{minimum_s:>11.3f}{taken_s:>10.3f}{taken_s / minimum_s:>7.3f}{used_s:>8.3f}"
        )
        print(f"{row}{bare_s:>9.3f}{bare_used_s:>12.3f}")


def _bare(link: Path, images: int) -> tuple[float, float]:
    """The library on pyserial without anything of ours between them."""
    import serial
    from adafruit_fingerprint import Adafruit_Fingerprint

    with serial.Serial(str(link), 115_200, timeout=2) as line:
        time.sleep(0.2)
        line.reset_input_buffer()
        library = Adafruit_Fingerprint(line)
        return _timed(lambda: library.get_fpdata("image"), images)


def _sessions(fingers: int) -> None:
    from drivers.fingerprint.port import CapturePolicy
    from drivers.fingerprint.remote import Applicant, EmulatedProcess
    from drivers.fingerprint.serial import SerialFingerprint, SerialOptions

    policy = CapturePolicy(3, 6, 20.0, 20.0, 0.3, 0.3, 0.3, True, True)
    print(f"\n{'whole session':<16}{'fingers':>8}{'seconds':>9}{'s/finger':>10}{'CPU s':>8}{'accepted':>10}")
    for name in PROFILES:
        with tempfile.TemporaryDirectory() as folder, EmulatedProcess(Path(folder), name, "line") as process:
            remote = process.remote()
            driver = SerialFingerprint(SerialOptions(device=str(process.link)))
            driver.open()
            driver.begin_session()
            applicant = Applicant(remote, "bench")
            started, used = time.perf_counter(), time.process_time()
            accepted = 0
            for position in list(FingerPosition)[:fingers]:
                attempt = driver.capture((position,), policy, applicant, threading.Event())
                accepted += len(attempt.presses)
            span, used = time.perf_counter() - started, time.process_time() - used
            driver.end_session()
            driver.close()
            remote.close()
        print(f"{name.upper():<16}{fingers:>8}{span:>9.1f}{span / fingers:>10.1f}{used:>8.2f}{accepted:>10}")


def _quality() -> None:
    print(f"\n{'quality':<16}{'ms/image':>9}{'foreground':>12}{'coherent':>10}{'certainty':>11}")
    for profile in PROFILES.values():
        grey = prints.impression(
            prints.master(1, "bench", "q"), prints.natural_touch(1), profile.width_px, profile.height_px
        )
        quality.measure(grey)
        taken_s = min(_timed(lambda grey=grey: quality.measure(grey), 50)[0] for _ in range(5))
        value = quality.measure(grey)
        row = f"{profile.name:<16}{taken_s * 1000:>9.2f}{value.foreground_share:>12.2f}{value.coherent_area:>10.2f}"
        print(f"{row}{value.orientation_certainty:>11.2f}")


def _separation(people: int) -> None:
    if importlib.util.find_spec("afis") is None:
        _separation_elsewhere(people)
        return
    from afis import SafisExtractor

    matcher = SafisExtractor()
    print(f"\n{'afis (safis)':<16}{'genuine':>9}{'min':>7}{'median':>8}{'impostor':>10}{'median':>8}{'max':>7}")
    for profile in PROFILES.values():
        genuine, impostor = _scores(profile, people, matcher)
        row = f"{profile.name:<16}{len(genuine):>9}{min(genuine):>7.1f}{statistics.median(genuine):>8.1f}"
        print(f"{row}{len(impostor):>10}{statistics.median(impostor):>8.1f}{max(impostor):>7.1f}")


def _separation_elsewhere(people: int) -> None:
    """The same table from an interpreter that has the matcher."""
    other = os.environ.get("EID_MATCHER_PYTHON")
    if other is None:
        print(
            "\nseparation: no independent matcher here (pip install afis, or EID_MATCHER_PYTHON=an interpreter with it)"
        )
        return
    here = Path(__file__)
    arguments = [other, str(here), "--only", "separation", "--people", str(people)]
    environment = {**os.environ, "PYTHONPATH": str(here.parents[1])}
    environment.pop("EID_MATCHER_PYTHON")
    subprocess.run(arguments, env=environment, check=True)


def _likeness() -> None:
    """What the host pays where the scanner cannot compare fingers: a slap of four against the other six."""
    found = []
    for name in ("right_index", "left_index"):
        grey = prints.impression(prints.master(1, "bench", name), prints.natural_touch(1), 320, 400)
        found.append(minutiae.innermost(minutiae.features(grey).minutiae, 64))
    one_s = min(_timed(lambda: minutiae.features(grey), 5)[0] for _ in range(3))
    match_s = min(_timed(lambda: minutiae.match(*found), 5)[0] for _ in range(3))
    slap_s = 4 * one_s + 4 * 9 * match_s
    print(f"\n{'likeness':<16}{'ms/image':>9}{'ms/comparison':>15}{'s/slap':>8}")
    print(f"{'320x400':<16}{one_s * 1000:>9.1f}{match_s * 1000:>15.1f}{slap_s:>8.2f}")


def _scores(profile: Profile, people: int, matcher: Any) -> tuple[list[float], list[float]]:
    """Raw scores of two presses of each finger, and of first presses of different fingers."""
    fingers = [(str(person), name) for person in range(people) for name in ("right_index", "left_thumb")]
    with tempfile.TemporaryDirectory() as folder:
        found = {
            (finger, press): matcher.extract_minutiae(str(_stored(profile, finger, press, Path(folder))))
            for finger in fingers
            for press in range(2)
        }
    genuine = [_raw(matcher, found[finger, 0], found[finger, 1]) for finger in fingers]
    pairs = [(a, b) for a in fingers for b in fingers if a < b]
    return genuine, [_raw(matcher, found[a, 0], found[b, 0]) for a, b in pairs]


def _raw(matcher: Any, left: Any, right: Any) -> float:
    result = matcher.match(left, right)
    return float(result.raw_score if result.raw_score is not None else result.score)


def _stored(profile: Profile, finger: tuple[str, str], press: int, folder: Path) -> Path:
    """The image as a bundle holds it, through 4 bits and PNG, handed to the matcher as 8-bit PNG."""
    touch = prints.natural_touch(prints.seed_of(*finger, press))
    grey = prints.impression(prints.master(1, *finger), touch, profile.width_px, profile.height_px)
    image = png4.decode(png4.encode(quality.packed_of(grey), profile.width_px, profile.height_px))
    path = folder / f"{'-'.join(finger)}-{press}.png"
    pixels = np.frombuffer(png4.unpack(image.pixels), np.uint8)
    wide = png4.GreyImage(pixels.tobytes(), profile.width_px, profile.height_px, 8)
    path.write_bytes(png4.encode_grey(wide, profile.ppi))
    return path


if __name__ == "__main__":
    main()
