"""The face path beside what package registries offer instead: dlib's face_recognition and OpenCV.

`python -m benchmarks.face_peers --install` puts the peers into `.cache/peers` (about 300 MB, hash-free, never
imported by anything else); later runs find them there. Without them it says so and ends. Every round runs each
candidate once, so that all meet the same load. One thread. Asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.demo_portrait import demo_portrait
from models.face.pipeline import FacePipeline
from models.policy import valid_on
from models.store import ModelStore

PEERS = Path(__file__).resolve().parents[1] / ".cache" / "peers"
REQUIREMENTS = (
    "dlib-bin==20.0.1.post1",
    "face_recognition==1.3.0",
    "face_recognition_models==0.3.0",
    "setuptools==80.10.2",
    "opencv-python-headless==4.11.0.86",
)
SIDE = 675
Work = Callable[[], object]


def install() -> None:
    """Installs the peers without their dependencies (numpy and Pillow are those of this project)."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(PEERS), *REQUIREMENTS]
    subprocess.run(command, check=True)


def own(rgb: np.ndarray[Any, Any]) -> dict[str, Work]:
    """This project: analyse (detection, landmarks, quality) and embed."""
    faces, policy = FacePipeline.open(ModelStore.standard()), valid_on(date(2026, 11, 21))
    face = faces.analyse(rgb, policy).face
    if face is None:
        raise SystemExit("no face in the portrait")
    return {
        "eid: find, landmarks, quality": lambda: faces.analyse(rgb, policy),
        "eid: template": lambda: faces.embed(rgb, face),
    }


def peers(rgb: np.ndarray[Any, Any]) -> dict[str, Work]:
    """face_recognition (dlib HOG and ResNet) and OpenCV's Haar cascade."""
    sys.path.append(str(PEERS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cv2  # type: ignore[import-not-found,unused-ignore]
        import face_recognition  # type: ignore[import-not-found,unused-ignore]
    cv2.setNumThreads(1)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    places = face_recognition.face_locations(rgb, number_of_times_to_upsample=0)
    return {
        "face_recognition: find (no upsampling)": lambda: face_recognition.face_locations(rgb, 0),
        "face_recognition: find (default)": lambda: face_recognition.face_locations(rgb),
        "face_recognition: landmarks, template": lambda: face_recognition.face_encodings(rgb, places),
        "OpenCV: find (Haar cascade)": lambda: cascade.detectMultiScale(grey),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="install the peers first")
    parser.add_argument("--rounds", type=int, default=15)
    chosen, _ = parser.parse_known_args()
    if chosen.install:
        install()
    if not PEERS.is_dir():
        print("peers are not installed: python -m benchmarks.face_peers --install")
        return
    with tempfile.TemporaryDirectory() as folder, Image.open(demo_portrait(Path(folder))) as opened:
        rgb = np.asarray(opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    work = own(rgb) | peers(rgb)
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(chosen.rounds + 1):
        for name, one in work.items():
            start = time.perf_counter()
            one()
            if number:
                times[name].append(time.perf_counter() - start)
    print(f"one portrait of {SIDE}x{SIDE}, median (best) of {chosen.rounds} rounds")
    for name, spent in times.items():
        print(f"  {name:40s} {statistics.median(spent) * 1000:8.1f} ms ({min(spent) * 1000:.1f})")


if __name__ == "__main__":
    main()
