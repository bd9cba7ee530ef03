"""`python -m station.link CONFIG.toml`: the link process alone, as the tests and fault hunts start it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from station.link.config import LinkConfig
from station.link.daemon import EXIT_CONFIG, run_link
from station.link.errors import LinkConfigInvalid
from wire.catalogue import bundled


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m station.link CONFIG.toml\n")
        return 2
    try:
        config = LinkConfig.load(Path(arguments[0]))
    except LinkConfigInvalid as error:
        sys.stderr.write(bundled().of_error(error).en + "\n")
        return EXIT_CONFIG
    return run_link(config, environment=os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
