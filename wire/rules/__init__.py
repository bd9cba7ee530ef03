"""The rules of the procedure: who may get what, by when, through whom. Shared by station and centre.

Pure functions over dated data files: no clock, no network; only `load_rules` reads files. Must never hold a date, an
age, a day count or a text in code: all of them lie under `data/` and in the message catalogue.
"""
