"""The bench: one emulated module on its line, and the requests by which tests and demos work it.

Requests are JSON objects with one key; docs/fingerprint.md lists them. Every request is answered; a wrong one is
refused and changes nothing.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.fingerprint.emulated import prints
from drivers.fingerprint.emulated.faults import Armed, ByteNoise, Faults
from drivers.fingerprint.emulated.line import Line
from drivers.fingerprint.emulated.module import Module
from drivers.fingerprint.emulated.platen import Placed, Source
from drivers.fingerprint.profiles import PROFILES


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Request):
    """A finger and how it lies. What is not given is drawn from `seed`."""

    person: str
    finger: str
    seed: int = 0
    pressure: float | None = Field(None, ge=0, le=1)
    moisture: float | None = Field(None, ge=0, le=1)
    offset: tuple[float, float] | None = None
    rotation: float | None = None
    area: float | None = Field(None, gt=0, le=2)

    def placed(self) -> Placed:
        """As the module takes it."""
        base = prints.natural_touch(prints.seed_of(self.person, self.finger, self.seed))
        touch = prints.Touch(
            seed=base.seed,
            pressure=base.pressure if self.pressure is None else self.pressure,
            moisture=base.moisture if self.moisture is None else self.moisture,
            dx_px=base.dx_px if self.offset is None else self.offset[0],
            dy_px=base.dy_px if self.offset is None else self.offset[1],
            rotation_deg=base.rotation_deg if self.rotation is None else self.rotation,
            area=base.area if self.area is None else self.area,
        )
        return Placed(self.person, self.finger, touch)


class Delay(_Request):
    s: float = Field(ge=0, le=60)
    n: int = Field(1, ge=1)


class Nak(_Request):
    command: int = Field(ge=0, le=255)
    code: int = Field(ge=1, le=255)
    n: int = Field(1, ge=1)


class Noise(_Request):
    rate: float = Field(ge=0, le=1)
    seed: int = 0
    bytes: int | None = Field(None, ge=1)


class Unplug(_Request):
    after_bytes: int | None = Field(None, ge=0)


class Arm(_Request):
    command: int = Field(ge=0, le=255)
    skip: int = Field(0, ge=0)
    request: dict[str, Any]


class Request(_Request):
    """One request; exactly one field is given."""

    place: Place | None = None
    auto: Place | Literal[False] | None = None
    lift: Literal[True] | None = None
    status: Literal[True] | None = None
    mute: int | None = Field(None, ge=0)
    delay: Delay | None = None
    nak: Nak | None = None
    bad_checksum: int | None = Field(None, ge=0)
    corrupt: Noise | None = None
    drop: Noise | None = None
    insert: Noise | None = None
    drop_packet: int | None = Field(None, ge=-1)
    cut_after: int | None = Field(None, ge=0)
    unplug: Unplug | Literal[True] | None = None
    plug: str | Literal[True] | None = None
    inject: str | None = None
    restart: Literal[True] | None = None
    image_fail: int | None = Field(None, ge=0)
    messy: int | None = Field(None, ge=0)
    featfail: int | None = Field(None, ge=0)
    freeze: bool | None = None
    password: str | None = Field(None, pattern="^[0-9a-f]{8}$")
    boot_byte: bool | None = None
    baud: int | None = Field(None, ge=1200, le=230_400)
    overrun: int | None = Field(None, ge=0)
    babble: float | None = Field(None, ge=0, le=120)
    trickle: float | None = Field(None, ge=0, le=5)
    swap: Literal["r307", "r503"] | None = None
    arm: Arm | None = None
    clear: Literal[True] | None = None
    quit: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Request:
        if len(self.model_fields_set) != 1:
            raise ValueError("exactly one request at a time")
        return self


class Bench:
    """Module, line and faults, and everything a request may do with them.

    Args:
        link: path of the serial device for the host.
        profile: `r307` or `r503`.
        paced: line rate or as fast as possible.
    """

    def __init__(self, link: Path, profile: str, *, paced: bool, seed: int, fingers: Path | None = None) -> None:
        self.ended = threading.Event()
        self._lock = threading.RLock()
        self._source = Source(seed, fingers)
        self._faults = Faults()
        self._modules = {profile: Module(PROFILES[profile], self._source, self._faults)}
        self._line = Line(self._modules[profile], link, paced=paced, act=self._armed, lock=self._lock)

    def start(self) -> None:
        """Powers the module up."""
        self._line.start()
        self._line.order(self._line.plug)

    def stop(self) -> None:
        """Unplugs it for good."""
        self._line.stop()

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carries out one request; the answer has `ok` and, if not, `error`."""
        try:
            parsed = Request.model_validate(request)
        except ValidationError as error:
            first = error.errors()[0]
            return {"ok": False, "error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}
        (name,) = parsed.model_fields_set
        if name == "status":
            return {"ok": True, **self._status()}
        self._do(name, getattr(parsed, name))
        return {"ok": True}

    def _armed(self, request: dict[str, object]) -> None:
        self.handle(request)

    def _do(self, name: str, value: Any) -> None:
        if self._line_action(name, value):
            return
        with self._lock:
            self._set(name, value)

    def _line_action(self, name: str, value: Any) -> bool:
        line = self._line
        match name:
            case "unplug" if isinstance(value, Unplug) and value.after_bytes is not None:
                self._faults.unplug_after = value.after_bytes
            case "unplug":
                line.order(line.unplug)
            case "plug":
                target = line.link.with_name(value) if isinstance(value, str) else None
                line.order(lambda: line.plug(target))
            case "inject":
                data = bytes.fromhex(value)
                line.order(lambda: line.inject(data))
            case "babble":
                self._faults.babble_until = time.monotonic() + value
                line.order(lambda: None)
            case "restart":
                line.order(line.restart_module)
            case "swap":
                line.order(lambda: self._swap(value))
            case "quit":
                self.ended.set()
            case _:
                return False
        return True

    def _swap(self, profile: str) -> None:
        self._line.unplug()
        with self._lock:
            if profile not in self._modules:
                self._modules[profile] = Module(PROFILES[profile], self._source, self._faults)
            self._line.module = self._modules[profile]
        self._line.plug()

    def _set(self, name: str, value: Any) -> None:
        faults, module = self._faults, self._line.module
        match name:
            case "place":
                module.auto = None
                module.place(value.placed())
            case "auto":
                module.auto = value.placed() if value else None
                module.lift()
            case "lift":
                module.lift()
            case "delay":
                faults.delay_s, faults.delay_left = value.s, value.n
            case "nak":
                faults.refuse[value.command] = (value.code, value.n)
            case "corrupt" | "drop" | "insert":
                faults.noise.append(ByteNoise(name, value.rate, random.Random(value.seed), value.bytes))
            case "drop_packet":
                faults.drop_packets.add(value)
            case "featfail":
                faults.feature_fail = value
            case "freeze":
                faults.frozen = value
            case "password":
                module.flash.password = bytes.fromhex(value)
                module.restart()
            case "trickle":
                faults.trickle_s = value
            case "baud":
                module.flash.baud = value
            case "arm":
                faults.armed.append(Armed(value.command, value.skip, value.request))
            case "clear":
                self._clear()
            case _:
                setattr(faults, name, value)

    def _clear(self) -> None:
        fresh = Faults()
        for name in Faults.__slots__:
            setattr(self._faults, name, getattr(fresh, name))

    def _status(self) -> dict[str, Any]:
        with self._lock:
            module = self._line.module
            placed = module.placed
            return {
                "profile": module.profile.name,
                "plugged": self._line.plugged,
                "link": str(self._line.link),
                "pts": self._line.pts,
                "baud": module.flash.baud,
                "packet": module.flash.packet,
                "security": module.flash.security,
                "library": sorted(module.flash.library),
                "finger": [placed.person, placed.finger] if placed else None,
                "ring": [list(light) for light in module.ring],
                "commands": {str(code): count for code, count in module.commands.items()},
                "sent": [[sent.sha256, sent.person, sent.finger] for sent in module.sent],
            }
