"""Cameras: the port, the picamera2 adapter and the emulated twin."""
