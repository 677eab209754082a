"""The `audit` command. Its modules parse and delegate; what a command needs is imported when the command runs.

exits     exit codes, and what a failure looks like from outside
options   options that several commands share
setup     from `--config` to a checked configuration, a registry and a store
write     data to stdout or a file, the rest to stderr
progress  what a person sees while environments are being read
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console command."""
    from auditor.cli.exits import guarded
    from auditor.cli.root import audit

    sys.exit(guarded(audit, sys.argv[1:]))
