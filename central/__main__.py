"""The command `eid-central`. Must hold no logic: each area brings its own list of commands."""

from __future__ import annotations

import click

from central.cli_rules import COMMANDS as RULES_COMMANDS


@click.group()
def main() -> None:
    """The forwarding centre for level-2 electronic identification accounts."""


for _command in RULES_COMMANDS:
    main.add_command(_command)

if __name__ == "__main__":
    main()
