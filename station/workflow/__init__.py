"""The officer workflow: pure. `step(state, event, now) -> (state, effects)`, `view(state) -> screen and light`.

No I/O, no clock, no thread, no randomness in here; the capture daemon is the shell around it.
"""
