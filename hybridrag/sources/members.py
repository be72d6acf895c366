"""A file inside another file of a source, as a document of the source under a path of its own."""

from __future__ import annotations

from hybridrag.sources import media
from hybridrag.sources.reading import content_hash
from hybridrag.types import Member, RawDocument, Skipped


def inner(raw: RawDocument, member: Member) -> RawDocument | Skipped:
    """A member of `raw`: `mail.zip` and `offers/first.pdf` give `mail.zip/offers/first.pdf`; or why it is none."""
    path = f"{raw.path}/{member.name}"
    uri = f"{raw.source}/{path}"
    if not member.content or member.content.isspace():
        return Skipped(uri, "empty file", failed=False)
    kind = None if media.holds_no_text(path) else media.media_type(path, member.content)
    if kind is None:
        return Skipped(uri, media.no_parser(path), failed=False)
    return RawDocument(
        source=raw.source,
        path=path,
        content=member.content,
        media_type=kind,
        content_hash=content_hash(member.content),
        modified=member.modified,
        container=raw.container or raw.path,
    )


def hides(path: str) -> bool:
    """Whether a path inside a file is hidden, or what a program left beside the documents."""
    return any(part.startswith(".") or part in media.NEVER_DOCUMENTS for part in path.split("/"))
