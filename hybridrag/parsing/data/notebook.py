"""Jupyter notebooks as Markdown: text cells as written, code cells as fenced code, their text outputs below them.

A notebook is JSON, and little of it is needed, so it is read without `nbformat`, which brings a validator for schemas
and more packages (formats 3 and 4: nbformat.readthedocs.io).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from hybridrag.parsing.html.reading import html_to_markdown
from hybridrag.parsing.markup.blocks import parsed_markdown
from hybridrag.parsing.markup.writing import fenced
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line
from hybridrag.parsing.text import clean, decode


def parse_notebook(content: bytes) -> Parsed:
    """The cells in order. Pictures are left out, and of a cell's outputs more than 2,000 characters.

    The title is the one in the metadata, else the first heading. Raises UnreadableError for what is no notebook.
    """
    written, notes = decode(content)
    try:
        notebook = json.loads(written)
    except ValueError:
        raise UnreadableError("broken: not valid JSON", hint="Open it in Jupyter and save it again.") from None
    metadata = _mapping(notebook, "metadata")
    cells = _cells(notebook)
    if cells is None:
        raise UnreadableError("not a notebook: it has no cells", hint="Open it in Jupyter and save it again.")
    language = _language(metadata)
    parts = [part.strip("\n") for cell in cells for part in _parts(cell, language)]
    text, more = clean("\n\n".join(part for part in parts if part.strip()) + "\n")
    title = metadata.get("title")
    return parsed_markdown(
        text,
        title=one_line(title) if isinstance(title, str) else None,
        metadata=_kept(metadata, language),
        notes=notes + more,
    )


def _cells(notebook: Any) -> list[Any] | None:
    """The cells of format 4, or of the worksheets of format 3."""
    if not isinstance(notebook, dict):
        return None
    sheets = notebook.get("worksheets")
    found = notebook.get("cells")
    if found is None and isinstance(sheets, list):
        return [cell for sheet in sheets for cell in _list(_mapping({"sheet": sheet}, "sheet"), "cells")]
    return found if isinstance(found, list) else None


def _parts(cell: Any, language: str) -> Iterator[str]:
    if not isinstance(cell, dict):
        return
    kind = cell.get("cell_type")
    source = _joined(cell.get("source", cell.get("input")))
    if kind == "code":
        if source.strip():
            written = cell.get("language")
            yield fenced(source.rstrip(), written if isinstance(written, str) else language)
        yield from _outputs(cell)
    elif kind == "heading":
        level = cell.get("level")
        yield "#" * min(6, max(1, level if isinstance(level, int) else 1)) + " " + one_line(source)
    else:
        yield _EMBEDDED.sub(r"\1", source)


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    room = _LONGEST_OUTPUT
    for output in _list(cell, "outputs"):
        shown = _shown(output) if isinstance(output, dict) else ""
        if not shown.strip() or room <= 0:
            continue
        if len(shown) > room:
            shown = shown[:room].rpartition("\n")[0] or shown[:room]
            shown += "\n[...]"
        room -= len(shown)
        if isinstance(output, dict) and "text/markdown" in _mapping(output, "data"):
            yield shown
        else:
            yield fenced(shown.rstrip(), "text")


def _shown(output: dict[str, Any]) -> str:
    """The text of an output: what was printed, a result, an error without its colours."""
    kind = output.get("output_type")
    if kind in {"error", "pyerr"}:
        trace = _list(output, "traceback")
        last = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        return _COLOURS.sub("", "\n".join(_joined(line) for line in trace) or last)
    if kind == "stream":
        return _COLOURS.sub("", _joined(output.get("text")))
    data = _mapping(output, "data") or output
    if any(name.startswith("image/") or name in {"png", "jpeg"} for name in data):
        return ""  # its text only says that there is a picture
    for name in ("text/markdown", "text/plain", "text"):
        if data.get(name):
            return _COLOURS.sub("", _EMBEDDED.sub(r"\1", _joined(data[name])))
    for name in ("text/html", "html"):
        if data.get(name):
            return html_to_markdown(_joined(data[name])[:_LONGEST_HTML])
    return _joined(data.get("text/latex") or data.get("latex"))


def _language(metadata: dict[str, Any]) -> str:
    for about in (_mapping(metadata, "language_info"), _mapping(metadata, "kernelspec")):
        name = about.get("name") if "mimetype" in about or "version" in about else about.get("language")
        if isinstance(name, str) and re.fullmatch(r"[\w+#.-]{1,30}", name):
            return name.lower()
    return "python"


def _kept(metadata: dict[str, Any], language: str) -> dict[str, Any]:
    people = [
        _mapping({"it": it}, "it").get("name") if isinstance(it, dict) else it for it in _list(metadata, "authors")
    ]
    names = [one_line(name) for name in people if isinstance(name, str) and name.strip()]
    kernel = _mapping(metadata, "kernelspec").get("display_name")
    kept = {"author": ", ".join(names), "kernel": one_line(kernel) if isinstance(kernel, str) else "", "code": language}
    return {name: value for name, value in kept.items() if value}


def _mapping(holder: Any, key: str) -> dict[str, Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def _list(holder: dict[str, Any], key: str) -> list[Any]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _joined(text: Any) -> str:
    """Text as notebooks keep it: one string, or a list of lines."""
    if isinstance(text, list):
        return "".join(line for line in text if isinstance(line, str))
    return text if isinstance(text, str) else ""


_LONGEST_OUTPUT = 2000
_LONGEST_HTML = 200_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_EMBEDDED = re.compile(r"!\[([^\[\]\n]*)\]\((?:data|attachment):[^()]*\)")
