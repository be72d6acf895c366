"""What the answer to a question takes, loaded by a thread while the first one imports, and while the database searches.

A process that has just begun sends its request some .2 s earlier for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress


def load_ahead(question: str, *, embed: Callable[[str], object] | None) -> None:
    """Has a thread read the question as it will be read, by the model (`embed`) and by the detectors, which are loaded
    for it, and import the provider's client. Whoever needs any of it waits for it.

    No error is told: whoever needs what failed meets it again.
    """
    threading.Thread(target=_load, args=(question, embed), name="hybridrag-ahead", daemon=True).start()


def _load(question: str, embed: Callable[[str], object] | None) -> None:
    with suppress(Exception):
        if embed is not None:
            embed(question)
    with suppress(Exception):
        # The built-in ones only: others may start processes, which would end with the thread.
        from hybridrag.privacy.detectors import builtin_detectors

        for detector in builtin_detectors():
            list(detector.detect(question))
    with suppress(Exception):
        from hybridrag.providers.transport import warm_up

        warm_up()
