"""The confined detector, from inside: greets, then takes texts and gives spans, as long as there are any."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from hybridrag.isolated.inside import Parent


def serve(parent: Parent, settings: dict[str, Any]) -> None:
    """Serves until nothing more is asked. `settings` are `target` and `argument`."""
    try:
        detector = _made(settings["target"], settings["argument"])
        parent.tell({"name": detector.name, "version": detector.version})
    except BaseException as error:
        parent.tell(_fault(error))
        return
    while (message := parent.request()) is not None:
        parent.tell(_answer(detector, message[0]["text"]))


def _made(target: str, argument: str | None) -> Any:
    """The detector. Raises what its module raises, and TypeError for an object that is no detector."""
    module, _, attribute = target.partition(":")
    factory: Any = import_module(module)
    for part in attribute.split("."):
        factory = getattr(factory, part)
    detector = factory() if argument is None else factory(Path(argument))
    texts = (getattr(detector, "name", None), getattr(detector, "version", None))
    if not all(isinstance(text, str) and text for text in texts) or not callable(getattr(detector, "detect", None)):
        raise TypeError
    return detector


def _answer(detector: Any, text: str) -> dict[str, Any]:
    try:
        spans: Iterable[Any] = detector.detect(text)
        return {"spans": [[span.start, span.end, span.type, span.rule] for span in spans]}
    except Exception as error:
        return _fault(error)


def _fault(error: BaseException) -> dict[str, Any]:
    """What the parent may tell of it. Our own refusals speak for themselves; other words may quote the text."""
    from hybridrag.errors import HybridragError

    if isinstance(error, HybridragError):
        return {"message": error.message, "hint": error.hint, "fault": type(error).__name__}
    return {"fault": type(error).__name__[:60]}
