"""The document reader on drawn pages held to a drawn camera: `python benchmarks/document.py --documents 100`.

For each format, frame size and level: documents read right, wrong or not in their first frame; documents accepted by
the consensus of at most `--frames` frames, each with another pose and other noise; processor time of a frame. Then the
document's portrait against the smiling picture of the same person and of all others, where models and pictures are on
this machine. Prints tables, asserts nothing. Needs the OCR-B font that `make setup` unpacks.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from models.accuracy import sets
from models.document.consensus import MrzConsensus
from models.document.portrait import portrait_on_page
from models.document.reader import DocumentReader
from models.errors import ModelError
from models.face.pipeline import FacePipeline, compare
from models.face.types import Embedding
from models.store import ModelStore
from tests.models.document import pages
from wire.catalogue import bundled as texts
from wire.rules.mrz import Format

FORMS: tuple[Format, ...] = ("TD3", "TD1", "TD2")


@dataclass
class Tally:
    """One row: what became of the documents shown."""

    first: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    frames: list[int] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)
    guides: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        shown = sum(self.first.values())
        ended = f"{self.ended['accepted']}/{shown} accepted, {self.ended['wrong']} wrong"
        needed = f"{statistics.mean(self.frames):.1f}" if self.frames else "-"
        times = f"{statistics.median(self.times_ms):.0f} ms, slowest {max(self.times_ms):.0f}"
        said = ", ".join(f"{name} {many}" for name, many in self.guides.most_common(3)) or "-"
        first = f"{self.first['right']}/{shown} read, {self.first['wrong']} wrong"
        return f"{first} | {ended}, {needed} frames | {times} | {said}"


def documents(
    reader: DocumentReader,
    font: Path,
    form: Format,
    size: tuple[int, int],
    level: str,
    many: int,
    frames: int,
    *,
    still: bool = False,
) -> Tally:
    """Shows that many random documents, each in frames until it is accepted: in new poses, or in one (`still`)."""
    tally = Tally()
    for number in range(many):
        rng = random.Random(f"{form} {size} {level} {number}")
        zone = pages.random_zone(rng, form)
        page = pages.flat_page(zone, form, font, rng)
        consensus = MrzConsensus()
        if still:
            shown = pages.held_still(page, pages.LEVELS[level], rng, size, frames)
        else:
            shown = (pages.held(page, pages.LEVELS[level], rng, size).frame for _ in range(frames))
        for frame, image in enumerate(shown, 1):
            start = time.process_time()
            seen = reader.frame(image)
            tally.times_ms.append((time.process_time() - start) * 1000)
            if seen.guide:
                tally.guides[seen.guide] += 1
            if frame == 1:
                tally.first["right" if seen.lines == zone else "wrong" if seen.lines else "none"] += 1
            accepted = consensus.add(seen.lines)
            if accepted is not None:
                tally.ended["accepted" if accepted == zone else "wrong"] += 1
                tally.frames.append(frame)
                break
    return tally


def empty(reader: DocumentReader, size: tuple[int, int], many: int) -> str:
    """Frames without a page: how many looked like one, and their time."""
    seen, times = Counter[str](), []
    for number in range(many):
        numbers = np.random.default_rng(number)
        room = np.asarray(pages.room(numbers, size), np.float32) + numbers.normal(0, 6, (size[1], size[0], 3))
        image = np.clip(room, 0, 255).astype(np.uint8)
        start = time.process_time()
        seen[reader.frame(image).guide or "read"] += 1
        times.append((time.process_time() - start) * 1000)
    said = ", ".join(f"{name} {count}" for name, count in seen.most_common())
    return f"{said} | {statistics.median(times):.0f} ms, slowest {max(times):.0f}"


def cropped(portrait: Path) -> Image.Image:
    """Head and shoulders as on a document, from a square portrait."""
    with Image.open(portrait) as opened:
        picture = opened.convert("RGB")
    side = picture.width
    return picture.crop((round(0.14 * side), round(0.02 * side), round(0.86 * side), round(0.95 * side)))


def portraits(reader: DocumentReader, faces: FacePipeline, font: Path, level: str, many: int) -> str:
    """Neutral portraits on TD3 pages against smiling live pictures."""
    neutral, smiling, _ = sets.frll()
    neutral, smiling = neutral[:many], smiling[:many]
    live = [_template(faces, path) for path in smiling]
    own, other, eyes, times, none = [], [], [], [], 0
    for number, path in enumerate(neutral):
        image, corners = _page(reader, font, level, cropped(path), number)
        start = time.process_time()
        found = None if corners is None else portrait_on_page(faces, image, corners)
        times.append((time.process_time() - start) * 1000)
        if found is None:
            none += 1
            continue
        eyes.append(found.inter_eye_px)
        for index, template in enumerate(live):
            if template is not None:
                (own if index == number else other).append(compare(found.template, template))
    blank = sum(_seen_on_blank(reader, faces, font, level, number) for number in range(many))
    return (
        f"{len(eyes)}/{len(neutral)} found | same person: least {min(own):.3f}, median {statistics.median(own):.3f}"
        f" | others: 99 % {np.percentile(other, 99):.3f}, most {max(other):.3f}"
        f" | eyes {min(eyes):.0f}-{max(eyes):.0f} px"
        f" | {statistics.median(times):.0f} ms | page without portrait: {blank}/{many} found"
    )


def _template(faces: FacePipeline, path: Path) -> Embedding | None:
    with Image.open(path) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    face = faces.find(rgb)
    return None if face is None else faces.embed(rgb, face)


def _page(
    reader: DocumentReader, font: Path, level: str, portrait: Image.Image | None, number: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64] | None]:
    rng = random.Random(f"portrait {level} {number}")
    page = pages.flat_page(pages.random_zone(rng), "TD3", font, rng, portrait)
    image = pages.held(page, pages.LEVELS[level], rng).frame
    return image, reader.frame(image).corners


def _seen_on_blank(reader: DocumentReader, faces: FacePipeline, font: Path, level: str, number: int) -> bool:
    image, corners = _page(reader, font, level, None, number)
    return corners is not None and portrait_on_page(faces, image, corners) is not None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=4, help="in each row")
    parser.add_argument("--frames", type=int, default=6, help="at most, for each document")
    parser.add_argument("--persons", type=int, default=6)
    parser.add_argument("--still", action="store_true", help="one pose for all frames of a document")
    parser.add_argument("--forms", nargs="*", choices=FORMS, default=FORMS)
    parser.add_argument("--widths", nargs="*", type=int, choices=(2304, 1280), default=(2304, 1280))
    parser.add_argument("--levels", nargs="*", choices=tuple(pages.LEVELS), default=tuple(pages.LEVELS))
    chosen, _ = parser.parse_known_args()
    font = pages.font_file()
    if font is None:
        print(f"{pages.FONT_FILE} is not on this machine: run make setup")
        return
    reader = DocumentReader.load()
    sizes = [size for size in (pages.MAIN, pages.SMALL) if size[0] in chosen.widths]
    print("first frame | consensus | processor time a frame | guidance given")
    for form in chosen.forms if chosen.documents else ():
        for size in sizes:
            for level in chosen.levels:
                row = documents(reader, font, form, size, level, chosen.documents, chosen.frames, still=chosen.still)
                pose = "held still " if chosen.still else ""
                print(f"  {form} {size[0]}x{size[1]} {level}: {pose}{row}", flush=True)
    for size in sizes if chosen.documents else ():
        print(f"  no page {size[0]}x{size[1]}: {empty(reader, size, chosen.documents)}", flush=True)
    try:
        faces = FacePipeline.open(ModelStore.standard())
        for level in chosen.levels if chosen.persons else ():
            print(f"  portrait {level}: {portraits(reader, faces, font, level, chosen.persons)}", flush=True)
    except ModelError as error:
        print(f"  portrait: {texts().of_error(error).en}")
    except sets.SetMissing as error:
        print(f"  portrait: not on this machine: {error}")


if __name__ == "__main__":
    main()
