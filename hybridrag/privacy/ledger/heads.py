"""The head record: a small file beside the ledger that says where its chain ends, so that a cut tail shows.

It is written aside before a line is appended and takes its name after. So it may lag behind the chain where a crash
came between the two, and it never leads, unless the chain was cut or an old copy of it was put back.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.keys import derived
from hybridrag.privacy.ledger.chain import Head
from hybridrag.privacy.regular import read_small, write_new

_MOST = 1_024


class HeadRecord:
    """The file `path`, sealed with a key of its own. Its writers hold the ledger's lock."""

    def __init__(self, path: Path, *, key: bytes) -> None:
        self.path = path
        self._aside = path.with_name(f".{path.name}.new")
        self._key = derived(key, "ledger head")

    def read(self) -> Head | None:
        """The head as it was last recorded; None where there is no record.

        Raises BlockedByPolicy for a record that was changed or made with another key, and OSError.
        """
        try:
            content = read_small(self.path, most=_MOST)
        except FileNotFoundError:
            return None
        except ValueError:
            content = b""
        text, _, seal = content.removesuffix(b"\n").rpartition(b" ")
        if hmac.compare_digest(seal, self._seal(text)):
            return Head.parse(text.decode("ascii"))
        raise BlockedByPolicy(
            f"The head record {self.path} was changed, or made with another key.",
            hint="`hybridrag ledger verify` tells whether the ledger beside it is sound.",
        )

    def prepare(self, head: Head) -> None:
        """Writes `head` aside, on disk: what can fail for want of room has not failed afterwards. Raises OSError."""
        text = str(head).encode()
        write_new(self._aside, text + b" " + self._seal(text) + b"\n")

    def publish(self) -> None:
        """Puts what was prepared in place, whole or not at all."""
        self._aside.replace(self.path)

    def write(self, head: Head) -> None:
        """Both, and waits for the name too."""
        self.prepare(head)
        self.publish()
        sync_folder(self.path.parent)

    def _seal(self, text: bytes) -> bytes:
        return hmac.new(self._key, text, hashlib.sha256).hexdigest().encode()
