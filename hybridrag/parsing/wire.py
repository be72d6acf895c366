"""How parent and child frame their messages: a header in JSON, then bytes, each after its length."""

from __future__ import annotations

import json
import struct
from typing import Any

LENGTH = struct.Struct(">Q")


def framed(header: dict[str, Any], content: bytes) -> list[bytes]:
    """A message in the parts it is written in, so that a large content is not copied."""
    head = json.dumps(header).encode()
    return [LENGTH.pack(len(head)) + head + LENGTH.pack(len(content)), content]
