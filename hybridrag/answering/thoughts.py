"""What some open models think aloud before they answer: `<think> ... </think>`. It is no part of the answer."""

from __future__ import annotations

_OPENING, _CLOSING = "<think>", "</think>"


class Thoughts:
    """Passes on the reply as it streams, without the thoughts at its beginning. One that never ends is all there is."""

    def __init__(self) -> None:
        self._held = ""
        self._thinking: bool | None = None

    def feed(self, delta: str) -> str:
        if self._thinking is False:
            return delta
        self._held += delta
        begun = self._held.lstrip()
        if self._thinking is None:
            if _OPENING.startswith(begun[: len(_OPENING)]) and len(begun) < len(_OPENING):
                return ""
            self._thinking = begun.startswith(_OPENING)
        if self._thinking:
            _, closing, after = self._held.partition(_CLOSING)
            if not closing:
                self._held = self._held[-len(_CLOSING) + 1 :]
                return ""
            self._held, self._thinking = after, False
        return self.flush()

    def flush(self) -> str:
        """What was held back, at the end of the reply."""
        held, self._held = self._held, ""
        return "" if self._thinking else held
