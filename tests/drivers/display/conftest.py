"""Screens as the station shows them."""

from __future__ import annotations

import pytest

from drivers.display.port import Icon, KeyHint, Screen, Tone
from drivers.panel.port import Button
from wire.catalogue import Text


@pytest.fixture
def finger_screen() -> Screen:
    """The fullest usual screen: title, line, progress, hand and three keys."""
    return Screen(
        "fingers.place",
        Text("Đặt ngón cái phải", "Place right thumb"),
        (Text("Ấn nhẹ tay", "Press lightly"),),
        Tone.ACTION,
        Icon.FINGER,
        progress=(3, 10),
        hand=(1,),
        keys=(
            KeyHint(Button.OFFICER_OK, Text("Chụp lại", "Retake")),
            KeyHint(Button.OFFICER_BACK, Text("Quay lại", "Back")),
            KeyHint(Button.OFFICER_SKIP, Text("Bỏ qua ngón này", "Skip this finger")),
        ),
    )


@pytest.fixture
def plain_screen() -> Screen:
    """One that fits one page everywhere."""
    return Screen("idle", Text("Sẵn sàng", "Ready"), tone=Tone.NEUTRAL, icon=Icon.READY)
