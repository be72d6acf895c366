"""How parent and child frame their messages: each after its length in bytes."""

from __future__ import annotations

import struct

LENGTH = struct.Struct(">Q")
