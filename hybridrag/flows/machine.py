"""The machine and the versions that figures belong to."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_PACKAGES = ("hybridrag", "openvino", "torch", "transformers", "sentence-transformers", "tokenizers", "numpy")


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory` counts bytes; `versions` holds the packages that are installed."""

    processor: str
    cores: int
    memory: int
    system: str
    python: str
    versions: dict[str, str]


def this_machine() -> Machine:
    """This machine."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return Machine(
        processor=_processor(),
        cores=cores(),
        memory=memory(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        versions=versions,
    )


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
