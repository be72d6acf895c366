"""Who runs this process, for records that say who did it."""

from __future__ import annotations

import os
import pwd


def user_name() -> str:
    """The user's name, or the number where it has none, as in some containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
