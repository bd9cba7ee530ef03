"""For all tests: how hypothesis searches.

`make test` and CI draw the same examples every time, so that a red run can be repeated; `make faults` (or
HYPOTHESIS_PROFILE=search) draws new ones. A machine under load is not a failure: no deadlines for single examples.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "reproducible"))
