"""The outside systems: what the centre asks of them (port.py), and how over HTTP in OSIA terms."""
