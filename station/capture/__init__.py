"""The capture daemon: owns the devices, runs the officer workflow, seals. It has no network.

Threads: `main` alone owns the state; `camera`, `finger`, `display` and `storage` each own their device and only put
events into the inbox; gpiozero's threads put button edges there.
"""
