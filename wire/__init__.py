"""What crosses the wire: the contract that station, centre and fleet share.

Pure: no I/O (its own package data excepted), no clock, no thread, no environment; time and randomness come in
as arguments. Must never import any other package of this project.
"""
