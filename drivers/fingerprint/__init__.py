"""Fingerprint devices: the port, the serial adapter and the emulated sensor on a pty."""
