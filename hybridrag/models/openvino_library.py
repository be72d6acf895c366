"""The one door to the OpenVINO library."""

from __future__ import annotations

import sys
from typing import Any

_CONVERTER = "openvino.tools.ovc"


def import_openvino() -> Any:
    """The library, without its telemetry, which would fork a child that calls an analytics host.

    Its converter is left out too, which takes as long to import as a query takes to compute: whoever converts a model
    imports `openvino.tools.ovc`.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    left_out = sys.modules.setdefault(_CONVERTER, None) is None  # type: ignore[arg-type]
    try:
        import openvino
    finally:
        if left_out:
            del sys.modules[_CONVERTER]
    return openvino
