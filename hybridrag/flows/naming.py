"""From what the user wrote to the documents that it can mean."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from hybridrag.errors import UsageError
from hybridrag.flows.selection import local_path
from hybridrag.globs import matches, wildcards
from hybridrag.parsing import unpacking
from hybridrag.sources import media
from hybridrag.sources.web_url import parse_url
from hybridrag.types import Source

Name = tuple[str, str]
"""A source and a path inside it."""


@dataclass(frozen=True, slots=True)
class Named:
    """The documents that are meant. `holder` is the file that they lie in, and no document, where that was named."""

    documents: list[Name]
    holder: Name | None = None


def meanings(uri: str, sources: Sequence[Source]) -> list[Name]:
    """Source and path for each way to read `uri`: as a URI first, then as a page's address, then as a local file."""
    found = [(s.name, uri.removeprefix(f"{s.name}/")) for s in sources if uri.startswith(f"{s.name}/")]
    url = parse_url(uri)
    found += [(s.name, url.path) for s in sources if url is not None and s.kind == "web" and s.root == url.origin]
    local = local_path(uri)
    found += [
        (s.name, local.relative_to(s.root).as_posix())
        for s in sources
        if s.kind == "folder" and local.is_relative_to(s.root)
    ]
    return found


def named(
    given: str, sources: Sequence[Source], indexed: Mapping[Name, str], containers: Container[Name] = ()
) -> Named:
    """The documents that `given` names: one by its URI or its file, with what lies in it, or all indexed ones whose
    URIs match a glob. A folder, or a file that holds others, names all in it. `containers` are the files of sources
    that hold indexed documents.

    One that is not indexed, or not any more, is meant where it is a document's URI by its form. Raises UsageError for
    what is none.
    """
    ways = meanings(given, sources)
    for source, path in ways:
        # A page of the web with another below it is no folder of that; an archive there is one of what lies in it.
        pages = {page for s in sources if s.kind == "web" and s.name == source for page in s.only}
        below = (name for name in indexed if name[0] == source and name[1].startswith(f"{path}/"))
        inside = [name for name in below if name[1] not in pages]
        if found := [name for name in [(source, path), *inside] if name in indexed]:
            holds = (source, path) in containers or _is_within(path, source, containers)
            return Named(found, (source, path) if holds and (source, path) not in indexed else None)
    if wildcards(given):
        return Named([name for name, uri in indexed.items() if matches(given, uri)])
    if ways:
        return Named(ways[:1])
    source, slash, path = given.partition("/")
    if not source or not slash or not path or source in {".", "..", "~"}:
        raise UsageError(
            f"{given} is no document's URI and no file inside a source", hint="see `hybridrag documents list`"
        )
    return Named([(source, path)])


def _is_within(path: str, source: str, containers: Container[Name]) -> bool:
    """Whether an archive inside an archive goes by that path, as far as its name tells; a folder may lie there too."""
    above = (path[:end] for end, letter in enumerate(path) if letter == "/")
    return unpacking.holds_files(media.type_by_name(path) or "") and any((source, each) in containers for each in above)
