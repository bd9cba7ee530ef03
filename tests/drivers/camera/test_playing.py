"""Scenes that move before the running twin: live, at pace, in light and focus, and without growing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import zxingcpp
from PIL import Image, ImageDraw

from drivers.camera.emulated import EmulatedCamera
from drivers.camera.page import font_file
from drivers.camera.port import Frame
from drivers.camera.remote import CameraRemote, CameraRemoteError
from drivers.camera.render import Renderer, View
from drivers.camera.scene import focus_m
from drivers.camera.script import named_script, script_names
from drivers.camera.show import made
from drivers.registry import create

FRAME_S = 5.0
PERIOD_S = 1 / 15
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
CPU_S = 0.033
"""Of one core, for a small frame of what moves: half of a frame's length at 15 frames/s."""
Made = Callable[..., EmulatedCamera]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Made]:
    """Makes twins with a control socket and closes them."""
    twins: list[EmulatedCamera] = []

    def make(**options: Any) -> EmulatedCamera:
        options = {"control_socket": str(tmp_path / "c"), "frame_rate": 30.0, **options}
        twins.append(create("camera", "emulated", options))
        twins[-1].open()
        return twins[-1]

    yield make
    for twin in twins:
        twin.close()


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[CameraRemote]:
    client = CameraRemote(tmp_path / "c", timeout_s=5.0)
    yield client
    client.close()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """A grey head with dark eyes before a light backdrop."""
    image = Image.new("RGB", (480, 600), (225, 225, 225))
    pen = ImageDraw.Draw(image)
    pen.ellipse((120, 90, 360, 450), fill=(170, 140, 120))
    pen.rectangle((60, 470, 420, 600), fill=(60, 70, 90))
    for x in (190, 290):
        pen.ellipse((x - 10, 255, x + 10, 275), fill=(20, 20, 20))
    image.save(tmp_path / "head.png")
    return tmp_path / "head.png"


def person(portrait: Path, **fields: Any) -> dict[str, Any]:
    return {"scene": "person", "portrait": str(portrait), **fields}


def centre(frame: Frame) -> float:
    """Middle column of what is not the wall."""
    darkness = np.clip(200.0 - frame.lores.min(axis=2)[60:300], 0, None).sum(axis=0)
    return float((darkness * np.arange(640)).sum() / max(darkness.sum(), 1.0))


def test_a_person_walks_through_the_frame(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """From left to right, every frame further on; the state tells the step and the end."""
    twin = camera()
    moved = {"from": person(portrait, offset_x=-0.3), "to": person(portrait, offset_x=0.3)}
    steps = [{"for_s": 1.0, "steady": True, **moved}, {"for_s": 0.2, "scene": {"scene": "empty"}}]
    began_ns = remote.send(scene="script", name="walk", steps=steps)["from_ns"]
    state = remote.state()
    seen = []
    while not seen or seen[-1].started_ns < began_ns + 900_000_000:
        seen.append(twin.frame(FRAME_S, not_before_ns=began_ns))
    places = [centre(frame) for frame in seen]
    ended_ns = remote.ended(5.0)
    after = twin.frame(FRAME_S, not_before_ns=ended_ns)

    assert (state["scene"], state["script"], state["step"], state["steps"]) == ("script", "walk", 0, 2)
    assert not state["ended"]
    assert places == sorted(places)
    assert places[0] < 250
    assert places[-1] > 390
    assert ended_ns == began_ns + 1_200_000_000
    assert remote.state()["step"] == 1
    assert after.lores.min() > 150


def test_what_is_seen_depends_on_the_time_alone(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """Where the exposure began so much of the step has passed, to a pixel's width."""
    twin = camera()
    moved = {"from": person(portrait, offset_x=-0.3), "to": person(portrait, offset_x=0.3)}
    began_ns = remote.send(scene="script", steps=[{"for_s": 1.0, "steady": True, **moved}])["from_ns"]
    for share in (0.2, 0.5, 0.8):
        frame = twin.frame(FRAME_S, not_before_ns=began_ns + round(share * 1e9))
        passed = (frame.started_ns + frame.exposure_us * 500 - began_ns) / 1e9

        assert centre(frame) == pytest.approx((0.5 + 0.6 * (min(passed, 1.0) - 0.5)) * 640, abs=6)


def test_two_twins_with_one_seed_see_the_same(portrait: Path) -> None:
    """Frame by frame, noise included."""
    shows = [made(named_script("looks-away", portrait=portrait)) for _ in range(2)]
    renderers = [Renderer(7), Renderer(7)]
    for number in range(0, 60, 7):
        frames = []
        for show, renderer in zip(shows, renderers, strict=True):
            now = show.at(number / 15, 400.0)
            frames.append(renderer.lores(now.sight, View(number, 1.0, 2.0, 1 / 0.6)))

        assert np.array_equal(*frames)


def test_both_streams_of_a_moving_scene_show_the_same(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """Main and small picture belong to one moment."""
    twin = camera()
    moved = {"from": person(portrait, offset_x=-0.3), "to": person(portrait, offset_x=0.3, distance_m=0.4)}
    remote.send(scene="script", steps=[{"for_s": 2.0, **moved}])
    for _ in range(3):
        frame = twin.frame(FRAME_S, main=True)
        small = np.asarray(Image.fromarray(frame.main).resize((640, 360), Image.Resampling.BOX))

        assert np.abs(small.astype(int) - frame.lores).mean() < 3


def test_lights_going_out_are_met_by_exposure_and_gain(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """Dark at once, longer exposed and amplified soon; bright at once when they come back, then as before."""
    twin = camera()
    before = _later(twin, 15)
    seated = person(portrait)
    steps = [{"for_s": 1.5, "scene": seated, "lux": 8.0}, {"for_s": 2.0, "scene": seated, "lux": 400.0}]
    began_ns = remote.send(scene="script", steps=steps)["from_ns"]
    dark = twin.frame(FRAME_S, not_before_ns=began_ns)
    told = remote.state()["lux"]
    met = twin.frame(FRAME_S, not_before_ns=began_ns + 1_300_000_000)
    glaring = twin.frame(FRAME_S, not_before_ns=began_ns + 1_500_000_000)
    settled = twin.frame(FRAME_S, not_before_ns=began_ns + 3_000_000_000)

    assert told == 8.0
    assert dark.lores.mean() < 0.6 * before.lores.mean()
    assert met.exposure_us > before.exposure_us
    assert met.analogue_gain > 4
    assert glaring.lores.mean() > 1.1 * before.lores.mean()
    assert settled.exposure_us < 12_000
    assert settled.lux == 400.0


def test_light_told_while_a_script_plays_does_not_start_it_anew(
    camera: Made, remote: CameraRemote, portrait: Path
) -> None:
    """The step goes on; the light holds where the script has none."""
    twin = camera()
    began_ns = remote.send(scene="script", steps=[{"for_s": 0.4, "scene": person(portrait)}] * 2)["from_ns"]
    twin.frame(FRAME_S, not_before_ns=began_ns + 450_000_000)
    remote.send(lux=123.0)
    state = remote.state()

    assert (state["step"], state["lux"]) == (1, 123.0)
    assert remote.ended(5.0) == began_ns + 800_000_000


def test_focus_follows_what_comes_close(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """A code held nearer and nearer is read at the end, with the lens there; locked before, it stays blurred."""
    twin = camera()
    held = {"scene": "qr", "text": "near", "size_m": 0.05, "yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}
    step = {"for_s": 0.6, "from": {**held, "distance_m": 0.8}, "to": {**held, "distance_m": 0.16}}
    remote.send(scene="script", steps=[step])
    sharp = twin.frame(FRAME_S, not_before_ns=remote.ended(5.0) + 500_000_000)
    twin.frame(FRAME_S, not_before_ns=remote.send(**person(portrait, distance_m=0.8))["from_ns"])
    twin.lock(FRAME_S)
    remote.send(scene="script", steps=[step])
    blurred = twin.frame(FRAME_S, not_before_ns=remote.ended(5.0) + 500_000_000)

    assert sharp.lens_position == pytest.approx(1 / 0.16, abs=0.1)
    assert [code.text for code in zxingcpp.read_barcodes(sharp.lores)] == ["near"]
    assert blurred.lens_position == pytest.approx(1 / 0.8, abs=0.1)
    assert np.diff(blurred.lores.astype(int), axis=1).std() < 0.6 * np.diff(sharp.lores.astype(int), axis=1).std()


def test_a_fast_walk_is_smeared_by_a_long_exposure(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """The same movement in little light, exposed three times as long, is softer."""
    twin = camera()
    moved = {"from": person(portrait, offset_x=-0.5), "to": person(portrait, offset_x=0.5)}
    edges = []
    for lux in (800.0, 120.0):
        remote.send(lux=lux)
        remote.send(**person(portrait))
        _later(twin, 25)
        began_ns = remote.send(scene="script", steps=[{"for_s": 1.0, "steady": True, **moved}])["from_ns"]
        frame = twin.frame(FRAME_S, not_before_ns=began_ns + 400_000_000)
        edges.append((frame.exposure_us, int(np.abs(np.diff(frame.lores[170:190].mean(axis=0)[:, 0])).max())))

    assert edges[1][0] > 3 * edges[0][0]
    assert edges[1][1] < 0.8 * edges[0][1]


def test_a_script_can_be_the_first_scene(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """As an option of the driver, from its opening on."""
    twin = camera(scene=named_script("covered", portrait=portrait).command())
    twin.frame(FRAME_S)
    state = remote.state()

    assert (state["scene"], state["script"], state["step"]) == ("script", "covered", 0)


def test_nothing_ends_where_nothing_plays(camera: Made, remote: CameraRemote, portrait: Path) -> None:
    """A still has no end, a repeated script none in time."""
    camera()
    with pytest.raises(CameraRemoteError, match="nothing plays"):
        remote.ended(0.5)
    remote.send(scene="script", repeat=True, steps=[{"for_s": 0.1, "scene": person(portrait)}])
    with pytest.raises(CameraRemoteError, match="in time"):
        remote.ended(0.3)


def test_a_script_with_a_missing_picture_is_refused_and_the_scene_stays(
    camera: Made, remote: CameraRemote, portrait: Path
) -> None:
    """Before any of it is shown."""
    twin = camera()
    remote.send(scene="black")
    gone = person(portrait.with_name("NGUYEN.jpg"))
    with pytest.raises(CameraRemoteError, match=r"^portrait: no such file$"):
        remote.send(scene="script", steps=[{"for_s": 1, "scene": person(portrait)}, {"for_s": 1, "scene": gone}])

    assert remote.state()["scene"] == "black"
    assert _later(twin, 2).lores.mean() < 12


@pytest.mark.parametrize("name", script_names())
def test_named_scripts_cost_less_than_half_a_frame(name: str, portrait: Path) -> None:
    """Mean CPU time of a small frame, all of it in this thread."""
    if name == "passport" and font_file() is None:
        pytest.skip("the OCR-B font is missing (package fonts-ocr-b)")
    script = named_script(name, portrait=portrait, second=portrait, lines=LINES, qr_text="EID1:A")
    show, renderer = made(script), Renderer(1)
    count = int(script.length_s / PERIOD_S / 6)
    began_s = time.thread_time()
    for number in range(count):
        now = show.at(number * 6 * PERIOD_S, 400.0)
        renderer.lores(now.sight, View(number, 1.0, 1.5, 1 / focus_m(now.sight.still), (3.0, 0.0)))

    assert (time.thread_time() - began_s) / count < CPU_S


def test_a_long_script_does_not_grow(portrait: Path) -> None:
    """Resident memory after the sixth run is what it was after the third, to a few MB."""
    show = made(named_script("second-person", portrait=portrait, second=portrait))
    turning = made(named_script("looks-away", portrait=portrait))
    renderer, process = Renderer(1), psutil.Process()
    sizes = []
    for run in range(6):
        for number in range(10):
            for played in (show, turning):
                now = played.at(number * 0.75, 400.0)
                view = View(run * 10 + number, 1.0, 1.5, 1 / focus_m(now.sight.still))
                renderer.lores(now.sight, view)
                if number == 5:
                    renderer.main(now.sight, view)
        sizes.append(process.memory_info().rss)

    assert max(sizes[-2:]) - max(sizes[:3]) < 6_000_000


def _later(twin: EmulatedCamera, frames: int) -> Frame:
    for _ in range(frames):
        twin.frame(FRAME_S)
    return twin.frame(FRAME_S)
