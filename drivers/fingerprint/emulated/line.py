"""The serial line of the emulated sensor: a pseudo-terminal, paced like a UART, that can be unplugged.

One thread owns both ends. The slave is kept open (else the master reports EIO as soon as the host closes) and set raw;
the master is written without blocking and drops what the host does not take, as a UART does. The host's baud rate is
read from the terminal: at a wrong one nothing sensible passes in either direction.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

from drivers.fingerprint.emulated.module import Module, Reply
from drivers.fingerprint.proto import BOOT_BYTE, PacketReader

_RATES = {getattr(termios, f"B{rate}"): rate for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)}
_CHUNK_BYTES = 64
_PATIENCE_S = 0.5
"""How long a full terminal is waited for before bytes are dropped: a busy host is not an overrun."""
BOOT_S = 0.05


class Line(threading.Thread):
    """Runs the module on a pty until `stop`.

    Args:
        module: answers; guarded by `lock`.
        link: symlink by which the host finds the terminal, replaced atomically.
        paced: True sends at the line rate and takes the module's working time; False as fast as the host reads.
        act: carries out armed requests (the bench's own request handler).
    """

    def __init__(
        self,
        module: Module,
        link: Path,
        *,
        paced: bool,
        act: Callable[[dict[str, object]], None],
        lock: threading.RLock,
    ) -> None:
        super().__init__(name="serial-line", daemon=True)
        self.module = module
        self.pts = ""
        self._link = link
        self._paced = paced
        self._act = act
        self._lock = lock
        self._reader = PacketReader()
        self._master = -1
        self._slave = -1
        self._wake_read, self._wake_write = os.pipe()
        self._orders: list[tuple[Callable[[], None], threading.Event]] = []
        self._ending = False
        self._plugs = 0

    @property
    def plugged(self) -> bool:
        return self._master >= 0

    @property
    def link(self) -> Path:
        return self._link

    def order(self, action: Callable[[], None]) -> None:
        """Runs `action` in the line's thread and waits for it; called from the control thread."""
        if threading.current_thread() is self:
            action()
            return
        done = threading.Event()
        with self._lock:
            self._orders.append((action, done))
        os.write(self._wake_write, b"!")
        done.wait(15.0)

    def stop(self) -> None:
        """Ends the thread and removes the link."""
        self._ending = True
        os.write(self._wake_write, b"!")
        self.join(5.0)

    def plug(self, link: Path | None = None) -> None:
        """Powers the module up on a new terminal; the host has to open it anew."""
        if self.plugged:
            self.unplug()
        if link is not None:
            self._link = link
        self._plugs += 1
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.pts = os.ttyname(self._slave)
        self._reader.reset()
        with self._lock:
            self.module.restart()
        staged = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        staged.unlink(missing_ok=True)
        staged.symlink_to(self.pts)
        staged.replace(self._link)
        self._boot()

    def unplug(self) -> None:
        """Takes the terminal away while the host may be reading it."""
        if not self.plugged:
            return
        self._link.unlink(missing_ok=True)
        for end in (self._slave, self._master):
            os.close(end)
        self._master = self._slave = -1

    def inject(self, data: bytes) -> None:
        """Sends stray bytes now."""
        if self.plugged:
            self._send(data)

    def restart_module(self) -> None:
        """A brown-out: buffers are lost, the terminal stays, the boot byte comes at any time."""
        with self._lock:
            self.module.restart()
        self._reader.reset()
        self._boot()

    def run(self) -> None:
        while not self._ending:
            self._carry_out_orders()
            watched = [self._wake_read, *([self._master] if self.plugged else [])]
            babbling = self.plugged and time.monotonic() < self.module.faults.babble_until
            readable, _, _ = select.select(watched, [], [], 0.0 if babbling else 1.0)
            if self._wake_read in readable:
                os.read(self._wake_read, 4096)
            if babbling:
                self._babble()
            elif self.plugged and self._master in readable:
                self._serve()
        self.unplug()

    def _carry_out_orders(self) -> None:
        with self._lock:
            orders, self._orders = self._orders, []
        for action, done in orders:
            try:
                action()
            finally:
                done.set()

    def _serve(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except (BlockingIOError, OSError):
            return
        if self._host_rate() != self.module.flash.baud:
            self._reader.reset()
            return
        if self._paced:
            time.sleep(10 * len(data) / self.module.flash.baud)
        self._reader.feed(data)
        while self.plugged and (packet := self._reader.next()) is not None:
            with self._lock:
                faults = self.module.faults
                due = faults.triggered(packet.payload[0]) if packet.kind == 1 else []
            for request in due:
                self._act(request)
            if self._master < 0:  # an armed request may have unplugged it
                return
            with self._lock:
                reply = self.module.receive(packet)
                silent = bool(reply.packets) and faults.muted()
                late_s = faults.delay() if reply.packets and not silent else 0.0
                raw = b"" if silent else faults.on_line(reply.packets)
            if self._paced:
                time.sleep(self._work_s(reply))
            if late_s:
                time.sleep(late_s)
            self._answer(reply, raw)

    def _babble(self) -> None:
        """A stuck or floating line: bytes that mean nothing, at the line's rate, and no ear for commands."""
        chunk = bytes(_CHUNK_BYTES)
        with contextlib.suppress(OSError):
            os.write(self._master, chunk)
        with contextlib.suppress(OSError):
            os.read(self._master, 4096)
        time.sleep(10 * len(chunk) / self.module.flash.baud)

    def _answer(self, reply: Reply, raw: bytes) -> None:
        self._send(raw)
        if reply.baud is not None:
            self.module.flash.baud = reply.baud
        if reply.boots and self.plugged:
            self.restart_module()

    def _work_s(self, reply: Reply) -> float:
        optical = not self.module.profile.model_buffer
        return {
            "image": 0.25 if optical else 0.15,
            "none": 0.05,
            "features": 0.3 if optical else 0.25,
            "match": 0.02,
            "flash": 0.03,
        }.get(reply.work, 0.0)

    def _boot(self) -> None:
        if self._paced:
            time.sleep(BOOT_S)
        if self.module.faults.boot_byte:
            self._send(bytes([BOOT_BYTE]))

    def _send(self, data: bytes) -> None:
        if not data:
            return
        if self._host_rate() != self.module.flash.baud:
            data = bytes(value * 7 + 13 & 0xFF for value in data[: max(1, len(data) // 3)])
        started, plugs = time.monotonic(), self._plugs
        sent = 0
        size = _CHUNK_BYTES if self._paced or self.module.faults.unplug_after is not None else 1024
        if self.module.faults.trickle_s:
            size = 1
        for at in range(0, len(data), size):
            limit = self.module.faults.unplug_after
            chunk = data[at : at + size]
            if limit is not None and sent + len(chunk) > limit:
                self._push(chunk[: limit - sent])
                self.module.faults.unplug_after = None
                self.unplug()
                return
            self._push(chunk)
            sent += len(chunk)
            if self.module.faults.trickle_s:
                time.sleep(self.module.faults.trickle_s)
            if self._paced:
                time.sleep(max(0.0, started + 10 * sent / self.module.flash.baud - time.monotonic()))
            if self._orders:
                self._carry_out_orders()
            if not self.plugged or self._plugs != plugs:  # what was cut off does not come out of the new plug
                return

    def _push(self, chunk: bytes) -> None:
        while chunk:
            try:
                chunk = chunk[os.write(self._master, chunk) :]
            except BlockingIOError:
                _, writable, _ = select.select([], [self._master], [], _PATIENCE_S)
                if not writable:
                    return
            except OSError:
                return

    def _host_rate(self) -> int:
        if not self.plugged:
            return 0
        return _RATES.get(termios.tcgetattr(self._slave)[5], 0)
