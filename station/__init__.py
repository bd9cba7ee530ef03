"""The two daemons of a station: capture (devices, no network) and link (network, no devices)."""
