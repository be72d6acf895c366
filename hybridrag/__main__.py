"""`python -m hybridrag`, and what the console script runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    from hybridrag.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
