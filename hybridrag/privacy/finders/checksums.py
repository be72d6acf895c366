"""Check digits of python-stdnum, one module at a time, loaded when a candidate of its form first comes."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

LONGEST = 64
"""Characters that the library may see at a time."""


@lru_cache(maxsize=2048)
def valid_in(module: str, number: str) -> bool:
    """Whether `number` has the form, the dates and the check digits of `module` ("de.idnr"). False if it is longer than
    64 characters. Raises ImportError for a module that the installed library lacks."""
    if len(number) > LONGEST:
        return False
    check = _module(module).is_valid
    try:
        return bool(check(number))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # Some modules stumble over the gaps of their own tables, cn.ric for one. What cannot be refuted is masked.
        return True


@lru_cache(maxsize=256)
def _module(name: str) -> Any:
    return import_module(f"stdnum.{name}")
