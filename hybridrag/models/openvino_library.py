"""The one door to the OpenVINO library."""

from __future__ import annotations

import sys
from typing import Any


def import_openvino() -> Any:
    """The library, without its telemetry, which would fork a child that calls an analytics host."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
