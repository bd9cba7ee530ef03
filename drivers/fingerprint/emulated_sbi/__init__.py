"""The emulated device service of a slap scanner: SBI 1.0 over HTTP on 127.0.0.1, its own process.

    python -m drivers.fingerprint.emulated_sbi --port 4501 --anchors roots.pem --control SOCKET

It makes its own trust anchor, device certificate and fingers (the same synthetic prints as the serial sensor) and can
be told over the control socket to lie in every way that a client must notice.
"""
