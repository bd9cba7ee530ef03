"""Devices: one folder per kind, each with its port (Protocol), its real adapter and its emulated twin.

A driver is chosen by name in the configuration (drivers/registry.py); an unknown or unloadable name is an error,
never a fallback. Must never know the workflow, the network or a file of the station's state.
"""
