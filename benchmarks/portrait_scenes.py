"""Seconds from being asked for a portrait to an accepted one, in the played scenes, nobody saying a word.

    python benchmarks/portrait_scenes.py [--rounds 3] [--portrait FILE] [--second FILE]

The camera thread of the station with the real models before the emulated camera. `wrong for` is how long the scene
itself keeps something wrong; what is left is the station's part. The exit status is 1 when a scene misses the aim.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from models.demo_portrait import demo_portrait
from models.face.pipeline import FacePipeline
from models.store import ModelStore
from tests.system.played import SCENES, Played, stage

ROOT = Path(__file__).parents[1]
AIM_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--portrait", type=Path)
    parser.add_argument("--second", type=Path)
    arguments = parser.parse_args()
    portrait = arguments.portrait or demo_portrait(ROOT / ".cache" / "portrait")
    pipeline = FacePipeline.open(ModelStore.standard())
    missed = 0
    table = Table(title="portrait in the played scenes", title_justify="left")
    for column in ("scene", "wrong for, s", "accepted after, s", "longest, s", "said"):
        table.add_column(column, justify="right" if column.endswith(" s") else "left")
    with stage(pipeline, portrait, arguments.second) as played:
        for scene in SCENES:
            rounds = [played.play(scene) for _ in range(arguments.rounds)]
            times = [found.after_s for found in rounds if found.after_s is not None]
            missed += len(rounds) - sum(time_s < AIM_S for time_s in times)
            middle, longest = (f"{statistics.median(times):.1f}", f"{max(times):.1f}") if times else ("none", "none")
            table.add_row(scene.script, f"{rounds[0].wrong_s:.1f}", middle, longest, _said(rounds[0]))
    Console(width=120).print(table)
    print(f"aim: under {AIM_S:.0f} s in every scene; missed: {missed} of {len(SCENES) * arguments.rounds}")
    return 1 if missed else 0


def _said(found: Played) -> str:
    return ", ".join(dict.fromkeys(sentence or "hold still" for _, sentence in found.said))


if __name__ == "__main__":
    sys.exit(main())
