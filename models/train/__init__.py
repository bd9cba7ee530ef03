"""Training of the models that this repository makes itself. Never part of `make test`, of CI or of a station.

What needs PyTorch imports it inside functions only: the library is no dependency of the project (README.md here).
"""
