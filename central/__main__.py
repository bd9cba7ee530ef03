"""The command `eid-central`. Must hold no logic: each area brings its own list of commands."""

from __future__ import annotations

from pathlib import Path

import click

from central.cli import DEFAULT_CONFIG, CentralGroup
from central.cli_cases import COMMANDS as CASE_COMMANDS
from central.cli_export import COMMANDS as EXPORT_COMMANDS
from central.cli_rules import COMMANDS as RULES_COMMANDS
from central.cli_system import COMMANDS as SYSTEM_COMMANDS


@click.group(cls=CentralGroup)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIG,
    envvar="EID_CENTRAL_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The centre's configuration (TOML).",
)
@click.pass_context
def main(context: click.Context, config: Path) -> None:
    """The forwarding centre for level-2 electronic identification accounts."""
    context.obj = config


for _command in (*CASE_COMMANDS, *EXPORT_COMMANDS, *SYSTEM_COMMANDS, *RULES_COMMANDS):
    main.add_command(_command)

if __name__ == "__main__":
    main(prog_name="eid-central")
