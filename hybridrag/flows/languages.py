"""Documents in a language that the embedding model was not made for, told in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hybridrag.parsing.language import LANGUAGES

_SHOWN = 3
"""Languages that get a line of their own."""
_LISTED = 6
"""Up to so many languages of a model are named."""


def language_warnings(documents: Mapping[str | None, int], *, known: Sequence[str], model: str) -> list[str]:
    """What to tell about a run's documents, counted by language, for a model that knows the languages `known`.

    Languages are ISO 639-1 codes, None where a document has none that is sure. A line for each of the three largest
    languages that the model does not know, even for a single document, and one for the rest. Nothing where nobody has
    said what the model knows (`known` is empty).
    """
    strange = {code: number for code, number in documents.items() if code and number and code not in known}
    if not known or not strange:
        return []
    ranked = sorted(strange, key=lambda code: (-strange[code], code))
    knows = ", ".join(known) if len(known) <= _LISTED else f"{len(known)} languages, but not this one"
    told = [_warning(code, strange[code], f"the model {model} knows {knows}") for code in ranked[:_SHOWN]]
    if rest := ranked[_SHOWN:]:
        number = sum(strange[code] for code in rest)
        others = f"{len(rest)} more languages" if len(rest) > 1 else "another language"
        told.append(f"and {_documents(number)} in {others} that it does not know: {', '.join(rest)}")
    return told


def named(code: str) -> str:
    """A language as people and commands call it: `German (de)`; the code alone where it has no name here."""
    return f"{LANGUAGES[code]} ({code})" if code in LANGUAGES else code


def _warning(code: str, number: int, fact: str) -> str:
    verb, them = ("is", "it") if number == 1 else ("are", "them")
    return (
        f"{_documents(number)} {verb} in {named(code)}; {fact}: search in {them} will be poor. "
        f"Models that know {code}: hybridrag models list --language {code}"
    )


def _documents(number: int) -> str:
    return "1 document" if number == 1 else f"{number} documents"
