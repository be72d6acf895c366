"""`python -m hybridrag`, and what the console script runs."""

from __future__ import annotations

import gc
import os
import sys
import threading

_GARBAGE = 50_000
"""Objects made before cycles are sought. With Python's own 700, each import is paid for with passes over all before it:
a tenth of what a short command takes."""


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    gc.set_threshold(_GARBAGE)
    try:
        from hybridrag.cli.main import run
    except KeyboardInterrupt:  # before there is anything that could tell it
        sys.exit(130)
    code = run(sys.argv[1:])
    if threading.active_count() > 1:
        # A thread that is inside native code now (a model being loaded) would abort the interpreter as it ends.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
