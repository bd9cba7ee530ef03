"""Dated data files of the centre: capture plans and consent texts (central/policies.py reads them)."""
