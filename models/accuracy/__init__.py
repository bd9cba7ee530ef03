"""Accuracy of the face pipeline, measured again by one command: `python -m models.accuracy`.

Needs the evaluation sets beside the checkout (`../shared/data/faces`), which are not part of this repository. Must
never print a number that this run did not measure.
"""
