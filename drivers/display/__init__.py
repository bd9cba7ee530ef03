"""Displays: one drawing of each screen, shown on an OLED, an LCD or saved as PNG."""
