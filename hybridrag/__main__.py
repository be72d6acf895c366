"""`python -m hybridrag`, and what the console script runs."""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    from hybridrag.cli.main import run

    code = run(sys.argv[1:])
    if threading.active_count() > 1:
        # A thread that is inside native code now (a model being loaded) would abort the interpreter as it ends.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
