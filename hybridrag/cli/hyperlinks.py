"""Links to files and pages in a terminal (OSC 8): https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from hybridrag.cli.console import coloured

_SHOWS_THEM_AS_TEXT = frozenset({"linux", "cons25", "vt100", "vt220"})
_FIRST_SOUND_VTE = 5000
"""VTE 0.50: the versions before it crash or show rubbish."""


def takes_links(stream: Any) -> bool:
    """Whether a stream is a terminal that understands links, or leaves them out."""
    version = os.environ.get("VTE_VERSION", "")
    old = version.isascii() and version.isdigit() and int(version[:9]) < _FIRST_SOUND_VTE
    return coloured(stream) and os.environ.get("TERM") not in _SHOWS_THEM_AS_TEXT and not old


def linked(text: str, path: str) -> str:
    """`text` as a link to a file of this machine. Whatever its name holds is percent-encoded."""
    return linked_page(text, f"file://{quote(os.uname().nodename, safe='')}{quote(os.fsencode(path))}")


def linked_page(text: str, address: str) -> str:
    """`text` as a link to an address, in which everything is percent-encoded that must be."""
    return f"\033]8;;{address}\033\\{text}\033]8;;\033\\"
