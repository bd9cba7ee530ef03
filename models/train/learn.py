"""The student learns the teacher's vectors. Needs PyTorch; one thread, niced by the command that calls it.

Loss: the angle to the teacher's vector of the same view, and the divergence between the teacher's and the student's
idea of which of some thousand other views are alike (relational distillation with the teacher's vectors as keys).
The pictures of the held-out persons are looked at for the log only; nothing is chosen by them: the last state counts.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from models.accuracy.statistics import equal_error
from models.train.embedding import HELD_OUT, SEED, SHARDS, planned, shard_name
from models.train.shards import Shard, load, path_of
from models.train.split import person
from models.train.student import EPSILON, LAYERS, PARTS

BATCH = 128
KEYS = 2048
TEMPERATURE = 0.06
ANGLE_WEIGHT = 5.0
PEAK_RATE = 2e-3
WARM_UP_STEPS = 200
DECAY = 0.05
AVERAGED = 0.998
CHECKPOINT = "student.npz"


def learn(work: Path, minutes: float) -> None:
    """Trains for some minutes and leaves `student.npz` (averaged weights) in the folder, renewed as it goes."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    state = _fresh(torch)
    learned = [name for name in state if not name.endswith((".mean", ".variance"))]
    decayed = [state[name] for name in learned if name.endswith(".weight")]
    others = [state[name] for name in learned if not name.endswith(".weight")]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=PEAK_RATE
    )
    averaged = {name: value.detach().clone() for name, value in state.items()}
    held_out = load(work, HELD_OUT)
    names = (work / f"{HELD_OUT}.txt").read_text("utf-8").split("\n")
    random = np.random.default_rng(SEED)
    begun, step, number = time.monotonic(), 0, 0
    while (spent := (time.monotonic() - begun) / (60 * minutes)) < 1:
        shard = _next(work, number, random)
        losses = []
        order = random.permutation(len(shard.views))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            spent = min(1.0, (time.monotonic() - begun) / (60 * minutes))
            for group in optimiser.param_groups:
                group["lr"] = PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * (1 + math.cos(math.pi * spent)) / 2
            losses.append(_step(torch, state, optimiser, shard, order[start : start + BATCH], random))
            step += 1
            share = min(AVERAGED, (1 + step) / (10 + step))
            with torch.no_grad():
                for name, value in state.items():
                    averaged[name].lerp_(value.detach(), 1 - share)
        number += 1
        angle, divergence = np.mean(losses, axis=0)
        line = f"shard {number}, step {step}, {spent:.0%}: angle {angle:.4f} divergence {divergence:.4f}"
        if number % 5 == 0 or spent >= 1:
            _save(work, averaged)
            line += f"; held out: {_judged(torch, averaged, held_out, names)}"
        print(line, flush=True)
    _save(work, averaged)


def _fresh(torch: Any) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for one in LAYERS:
        weight = torch.empty(one.shape)
        torch.nn.init.kaiming_normal_(weight, nonlinearity="relu" if one.activation else "linear")
        parts = (weight, torch.ones(one.outputs), torch.zeros(one.outputs), torch.zeros(one.outputs),
                 torch.ones(one.outputs))  # fmt: skip
        for part, value in zip(PARTS, parts, strict=True):
            state[f"{one.name}.{part}"] = value.requires_grad_(part in ("weight", "scale", "shift"))
        if one.adds:
            torch.nn.init.constant_(state[f"{one.name}.scale"], 0.3)
    return state


def forward(torch: Any, state: dict[str, Any], views: Any, *, training: bool) -> Any:
    """Vectors (n, 256), not yet of length 1, of views (n, 3, 64, 64) in 0..1; zeros are padded to raw pixels."""
    functional = torch.nn.functional
    value = before = views
    for one in LAYERS:
        entered = value
        groups = one.inputs if one.grouped else 1
        value = functional.conv2d(value, state[f"{one.name}.weight"], None, one.stride, one.padding, 1, groups)
        value = functional.batch_norm(
            value, state[f"{one.name}.mean"], state[f"{one.name}.variance"], state[f"{one.name}.scale"],
            state[f"{one.name}.shift"], training, 0.05, EPSILON,
        )  # fmt: skip
        if one.adds:
            value = value + before
        if one.activation:
            value = functional.relu(value)
        before = entered
    return value.flatten(1)


def _batch(torch: Any, views: Any) -> Any:
    tensor = torch.from_numpy(np.ascontiguousarray(views)).permute(0, 3, 1, 2)
    return tensor.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last)


def _step(torch: Any, state: Any, optimiser: Any, shard: Shard, chosen: Any, random: Any) -> tuple[float, float]:
    functional = torch.nn.functional
    target = torch.from_numpy(shard.vectors[chosen])
    keys = torch.from_numpy(shard.vectors[random.choice(len(shard.vectors), KEYS, replace=False)])
    with torch.autocast("cpu", torch.bfloat16):
        raw = forward(torch, state, _batch(torch, shard.views[chosen]), training=True)
    found = functional.normalize(raw.float())
    angle = (1 - (found * target).sum(1)).mean()
    # The view itself is the first key: which of all these faces is it, and which are like it?
    truth = torch.cat([torch.ones(len(target), 1), target @ keys.T], 1) / TEMPERATURE
    guess = torch.cat([(found * target).sum(1, keepdim=True), found @ keys.T], 1) / TEMPERATURE
    divergence = functional.kl_div(guess.log_softmax(1), truth.log_softmax(1), log_target=True, reduction="batchmean")
    optimiser.zero_grad(set_to_none=True)
    (ANGLE_WEIGHT * angle + divergence).backward()
    optimiser.step()
    return angle.item(), divergence.item()


def _next(work: Path, number: int, random: Any) -> Shard:
    """The shards in order; while the next one is not made yet, one of the earlier ones again."""
    name = shard_name(number % SHARDS)
    if number and not path_of(work, name).is_file():
        known = [index for index in range(SHARDS) if path_of(work, shard_name(index)).is_file()]
        name = shard_name(int(random.choice(known)))
    return load(work, name, timeout_s=600)


def _judged(torch: Any, state: dict[str, Any], held_out: Shard, names: list[str]) -> str:
    """Mean cosine to the teacher and equal error rate over the official pairs of the held-out folds, for the log."""
    from models.accuracy import sets

    with torch.no_grad():
        parts = [
            forward(torch, state, _batch(torch, held_out.views[start : start + 256]), training=False)
            for start in range(0, len(held_out.views), 256)
        ]
        found = torch.nn.functional.normalize(torch.cat(parts)).numpy()
    alike = float((found * held_out.vectors).sum(1).mean())
    _, known = planned()
    rows = {name: row for row, name in enumerate(names)}
    pairs = sets.lfw()[1]
    chosen = [(pairs.left[number], pairs.right[number]) for number in known.pairs]
    chosen = [(left, right) for left, right in chosen if left in rows and right in rows]
    scores = np.array([float(found[rows[left]] @ found[rows[right]]) for left, right in chosen])
    same = np.array([person(left) == person(right) for left, right in chosen])
    return f"cosine to teacher {alike:.4f}, EER {equal_error(scores[same], scores[~same]):.2%}"


def _save(work: Path, state: dict[str, Any]) -> None:
    unfinished = work / f".{CHECKPOINT}"
    with unfinished.open("wb") as out:
        np.savez(out, **{name: value.detach().numpy() for name, value in state.items()})
    os.replace(unfinished, work / CHECKPOINT)
