"""What the emulated camera costs: CPU time for a small and a large frame of each played script, and resident memory.

The camera plays inside the capture daemon, so what it takes is missing there; the aim is half a frame's length (33 ms
at 15 frames/s) for a small frame. The faces are drawn ones where no portraits lie beside the checkout.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

PERIOD_S = 1 / 15
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "faces" / "frll" / "neutral"


def resident_mb() -> float:
    """Of this process."""
    return float(psutil.Process().memory_info().rss) / 1e6


def portraits(folder: Path) -> tuple[Path, Path]:
    """Two faces: photographs where there are some, else drawn ones of the same size."""
    beside = sorted(_BESIDE.glob("*.jpg"))[:2]
    if len(beside) == 2:
        return beside[0], beside[1]
    image = Image.new("RGB", (675, 675), (225, 225, 225))
    pen = ImageDraw.Draw(image)
    pen.ellipse((220, 120, 455, 480), fill=(170, 140, 120))
    image.save(folder / "head.png")
    return folder / "head.png", folder / "head.png"


def main() -> int:
    before_mb = resident_mb()
    from drivers.camera.errors import SceneInvalid
    from drivers.camera.render import Renderer, View
    from drivers.camera.scene import focus_m
    from drivers.camera.script import named_script, script_names
    from drivers.camera.show import made

    print(f"{'script':<16}{'small, mean':>12}{'slowest':>9}{'large':>8}{'resident':>10}   CPU ms a frame, MB")
    print(f"{'(imports)':<16}{'':>12}{'':>9}{'':>8}{resident_mb():>10.0f}   {before_mb:.0f} before")
    renderer = Renderer(1)
    with tempfile.TemporaryDirectory() as folder:
        portrait, second = portraits(Path(folder))
        for name in script_names():
            script = named_script(name, portrait=portrait, second=second, lines=LINES, qr_text="EID1:0123456789")
            try:
                show = made(script)
            except SceneInvalid as missing:
                print(f"{name:<16}left out: {missing}")
                continue
            small, large = [], []
            for number in range(int(script.length_s / PERIOD_S)):
                now = show.at(number * PERIOD_S, 400.0)
                view = View(number, 1.0, 1.5, 1 / focus_m(now.sight.still))
                began_s = time.thread_time()
                renderer.lores(now.sight, view)
                small.append(time.thread_time() - began_s)
                if number % 15 == 7:
                    began_s = time.thread_time()
                    renderer.main(now.sight, view)
                    large.append(time.thread_time() - began_s)
            costs = (sum(small) / len(small), max(small), sum(large) / len(large))
            print(
                f"{name:<16}{costs[0] * 1e3:>12.1f}{costs[1] * 1e3:>9.1f}{costs[2] * 1e3:>8.0f}{resident_mb():>10.0f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
