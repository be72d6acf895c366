"""What a reply such as yes, no or `62 euros` leaves to its question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hybridrag.answering.names import is_german

_SAYS = re.compile(
    r"(?:(?P<yes>yes|yeah|yep|correct|ja|doch|是的?)|(?P<no>no(?!\.\s?\d)|nope|nein|不是?))(?:\s*[,.!:;。，！]\s*|\s+[-–—]\s+|\Z)",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\W*(?:(?:and|so|und|also|but|aber)\s)?(?:what|who|whom|whose|when|where|which|why|how|wer|wen|wem|wessen|wann|"
    r"wo(?:her|hin|mit|für|bei|durch|zu|ran|rauf|rin|rum|von)?|wie(?:so|viele?)?|welche[mnrs]?|warum|weshalb)\b|"
    r".*(?:什么|谁|哪|怎么|多少|几|为何)",
    re.IGNORECASE,
)
_GERMAN_OPEN = re.compile(r"\W*(?:und\s)?was\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A sentence without the yes or no that it begins with, `says`, which is empty where it begins with neither."""

    says: Literal["yes", "no", ""]
    rest: str


def reply_of(text: str) -> Reply:
    match = _SAYS.match(text)
    if match is None:
        return Reply("", text)
    return Reply("yes" if match["yes"] else "no", text[match.end() :].strip())


def can_be_affirmed(question: str) -> bool:
    """Whether a question asks for yes or no, and not for a person, a place, a reason or the like."""
    return bool(question.strip()) and not (
        _OPEN.match(question) or (_GERMAN_OPEN.match(question) and is_german(question))
    )
