"""Stands in for the kms++ bindings, which picamera2 imports for its screen preview. The preview is never used here."""


class PixelFormat:
    """Named in picamera2's table of formats at import; any name answers."""

    def __getattr__(self, name: str) -> str:
        return name


PixelFormat = PixelFormat()
