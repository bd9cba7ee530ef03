"""Makes `models/demo_embedding.tflite`, the embedding for machines that reach no model (README.md beside this file).

    python -m models.train.embedding plan               which pictures, which persons; needs nothing
    python -m models.train.embedding views  --work DIR  views and the teacher's vectors, shard by shard
    python -m models.train.embedding learn  --work DIR  the student (PyTorch), while views are still being made
    python -m models.train.embedding export --work DIR  the TFLite file out of the best checkpoint

Must never be run by a test, by CI or on a station.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from models.accuracy import sets
from models.train.split import Split, person, split

SEED = 20261121
SHARDS = 60
HELD_OUT = "held-out"
TEACHER = "face-reidentification-retail-0095"


def planned() -> tuple[Path, Split]:
    """The folder of the pictures and their split. Raises SetMissing."""
    pictures, pairs = sets.lfw()
    return pictures[0].parent, split((path.name for path in pictures), pairs)


def plan() -> None:
    """Prints what would be trained on."""
    _, known = planned()
    for name, files in (("training", known.training), ("held out", known.held_out)):
        print(f"{name}: {len(files):,} pictures of {len({person(file) for file in files}):,} persons")
    print(f"{SHARDS} shards of one view per training picture, seed {SEED}")


def views(work: Path) -> None:
    """Writes the held-out shard and the numbered shards that are not there yet."""
    from models.face.pipeline import FacePipeline
    from models.policy import valid_on
    from models.runtime import load
    from models.store import ModelStore
    from models.train import shards

    folder, known = planned()
    store = ModelStore.standard()
    faces, policy = FacePipeline.open(store), valid_on(date(2026, 11, 21))
    teacher = load(store, TEACHER, "ai-edge-litert")
    held_out = shards.sources(faces, policy, [folder / name for name in known.held_out])
    shards.save(work, HELD_OUT, shards.taught(teacher, shards.plain_views(held_out)))
    seen = [name for name, source in zip(known.held_out, held_out, strict=True) if source]
    (work / f"{HELD_OUT}.txt").write_text("\n".join(seen), "utf-8")
    training = [
        source for source in shards.sources(faces, policy, [folder / name for name in known.training]) if source
    ]
    print(f"{len(training):,} training pictures with a face", flush=True)
    for number in range(SHARDS):
        name = shard_name(number)
        if not shards.path_of(work, name).is_file():
            shards.save(work, name, shards.taught(teacher, shards.random_views(training, SEED, number)))
            print(name, flush=True)


def shard_name(number: int) -> str:
    """Name of a numbered shard."""
    return f"views-{number:03d}"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.train.embedding", description=__doc__)
    parser.add_argument("step", choices=("plan", "views", "learn", "export"))
    parser.add_argument("--work", type=Path, help="folder for views and checkpoints, several GB")
    parser.add_argument("--minutes", type=float, default=55.0, help="how long `learn` may take")
    chosen = parser.parse_args()
    if chosen.step != "plan" and chosen.work is None:
        parser.error("--work is needed")
    os.nice(19)
    try:
        match chosen.step:
            case "plan":
                plan()
            case "views":
                views(chosen.work)
            case "learn":
                from models.train.learn import learn

                learn(chosen.work, chosen.minutes)
            case "export":
                from models.train.export import export

                export(chosen.work)
    except sets.SetMissing as error:
        print(f"The training set is not on this machine: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
