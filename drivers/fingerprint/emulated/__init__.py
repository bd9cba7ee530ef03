"""The emulated serial sensor: its own process on a pseudo-terminal, fed with synthetic or given fingerprints.

    python -m drivers.fingerprint.emulated --link PATH --profile r307 --control SOCKET

The station's unmodified driver, the Adafruit library and pyserial talk to it as to the real module. Timing, refusals
and buffer rules come from the manuals; a recording of a real module must be replayed before anyone says that it is the
same.
"""
