"""Emulated outside systems: real HTTP servers on loopback that can be told to be slow, down, refusing or late."""
