"""Stands in for libcamera's Python bindings, so that the unmodified picamera2 runs where there is no camera stack.

Only what picamera2 0.3.38 and our adapter use. `world` holds what a test may change; `install_allocator` replaces the
kernel's DMA heap, which exists only on a Raspberry Pi, by anonymous memory files.
"""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace
from typing import Any

from libcamera._camera import (
    Camera,
    CameraConfiguration,
    FrameBuffer,
    FrameMetadata,
    Request,
    SensorConfiguration,
    StreamConfiguration,
)
from libcamera._values import (
    ColorSpace,
    ControlId,
    ControlInfo,
    ControlType,
    Orientation,
    PixelFormat,
    Rectangle,
    Size,
    StreamRole,
    Transform,
    controls,
    properties,
)
from libcamera._world import World, world

STANDIN = True
_libcamera = SimpleNamespace(ColorSpace=ColorSpace, Transform=Transform)


class CameraManager:
    """One per process, as in the bindings."""

    _only: CameraManager | None = None

    def __init__(self) -> None:
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self._completed: list[Request] = []
        self._camera = Camera(self)

    @classmethod
    def singleton(cls) -> CameraManager:
        if cls._only is None:
            cls._only = cls()
        return cls._only

    @property
    def cameras(self) -> list[Camera]:
        return [self._camera] if world.present else []

    def get(self, camera_id: str) -> Camera:
        return next(camera for camera in self.cameras if camera.id == camera_id)

    def completed(self, request: Request) -> None:
        with self._lock:
            self._completed.append(request)
        os.eventfd_write(self.event_fd, 1)

    def get_ready_requests(self) -> list[Request]:
        try:
            os.eventfd_read(self.event_fd)
        except BlockingIOError:
            return []
        with self._lock:
            ready, self._completed = self._completed, []
        return ready


class _MemoryHeap:
    """Speaks as picamera2's DmaHeap, from anonymous memory."""

    def alloc(self, name: str, size: int) -> Any:
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        return SimpleNamespace(get=lambda: fd, isValid=lambda: True)

    def close(self) -> None:
        """Nothing is held."""


def install_allocator(denied: bool = False) -> None:
    """Patches the one name through which picamera2 reaches the DMA heap. `denied`: as without the group video."""
    import picamera2.picamera2
    from picamera2.allocators import DmaAllocator
    from picamera2.allocators.allocator import Allocator

    class MemoryAllocator(DmaAllocator):
        def __init__(self) -> None:
            Allocator.__init__(self)
            if denied:
                self.dmaHeap, self.mapped_buffers, self.open_fds = None, {}, []
                raise PermissionError(13, "Permission denied", "/dev/dma_heap/linux,cma")
            self.dmaHeap = _MemoryHeap()
            self.mapped_buffers, self.mapped_buffers_used, self.frame_buffers = {}, {}, {}
            self.open_fds, self.libcamera_fds = [], []
            self.sync = self.NoSync

        class NoSync:
            """Ordinary memory needs no cache maintenance."""

            def __init__(self, allocator: Any, buffer: FrameBuffer, write: bool) -> None:
                self._memory = allocator.mapped_buffers[buffer]

            def __enter__(self) -> Any:
                return self._memory

            def __exit__(self, *_: object) -> None:
                """Nothing to undo."""

    picamera2.picamera2.DmaAllocator = MemoryAllocator


__all__ = [
    "STANDIN",
    "Camera",
    "CameraConfiguration",
    "CameraManager",
    "ColorSpace",
    "ControlId",
    "ControlInfo",
    "ControlType",
    "FrameBuffer",
    "FrameMetadata",
    "Orientation",
    "PixelFormat",
    "Rectangle",
    "Request",
    "SensorConfiguration",
    "Size",
    "StreamConfiguration",
    "StreamRole",
    "Transform",
    "World",
    "controls",
    "install_allocator",
    "properties",
    "world",
]
