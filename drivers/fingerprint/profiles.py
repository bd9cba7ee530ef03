"""What the driver must know about each sensor model, as data.

Sources: R307 manual (ZFM-20 family, section 4.1.1 for the image), R503 user manual V1.2.2. Nothing in here was seen on
a real sensor by this project yet; docs/fingerprint.md says how to record one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from drivers.fingerprint.port import SensorClass


@dataclass(frozen=True, slots=True)
class Profile:
    """One model.

    Attributes:
        capacity: templates its library holds; also how the model is told (`auto`).
        template_bytes: what UpChar sends after RegModel.
        model_buffer: UpChar, DownChar and Store work on a ModelBuffer of their own instead of character buffer 1 or 2
            (R503 manual V1.2.2, UpChar), so templates are compared through the library.
        ring: has the RGB ring (command 35).
    """

    name: str
    sensor_class: SensorClass
    width_px: int
    height_px: int
    ppi: int
    capacity: int
    char_bytes: int
    template_bytes: int
    char_buffers: int
    model_buffer: bool
    ring: bool

    @property
    def image_bytes(self) -> int:
        """Packed image, two pixels a byte."""
        return self.width_px * self.height_px // 2


R307 = Profile(
    name="R307",
    sensor_class=SensorClass.SINGLE_OPTICAL,
    width_px=256,
    height_px=288,
    ppi=500,
    capacity=1000,
    char_bytes=256,
    template_bytes=512,
    char_buffers=2,
    model_buffer=False,
    ring=False,
)
R503 = Profile(
    name="R503",
    sensor_class=SensorClass.SINGLE_CAPACITIVE,
    width_px=192,
    height_px=192,
    ppi=508,
    capacity=200,
    char_bytes=512,
    template_bytes=1536,
    char_buffers=6,
    model_buffer=True,
    ring=True,
)
PROFILES: Mapping[str, Profile] = MappingProxyType({"r307": R307, "r503": R503})


def by_capacity(capacity: int) -> Profile | None:
    """The profile whose library has this size, or None."""
    return next((profile for profile in PROFILES.values() if profile.capacity == capacity), None)
