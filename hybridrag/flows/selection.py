"""From what the user typed to sources: which one each path or address belongs to, and which part of it is meant."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from hybridrag.errors import UsageError
from hybridrag.globs import is_of_one_path, pattern_of
from hybridrag.sources.web_url import flaw_of, looks_like_url, parse_url
from hybridrag.types import Label, Source

_JSONL = {".jsonl", ".ndjson"}
_HOST_FIRST = re.compile(
    r"www\.[\w.-]+|(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|de|eu|uk|fr)(?=/|$)", re.ASCII | re.IGNORECASE
)
_LOOKED_AT = 2_000
"""Names of a folder among which the one that was meant is looked for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A source, and the paths inside it that this run looks at; none means all of it.

    `new` are pages of the web that the source did not list before.
    """

    source: Source
    only: tuple[str, ...] = ()
    new: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        """Whether this run may judge that the document `path` is gone."""
        if self.source.kind == "web":
            return not self.only or path in self.only  # a page with another below it is no folder of that
        return not self.only or any(path == part or path.startswith(f"{part}/") for part in self.only)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the command line says of sources; None leaves what is remembered."""

    name: str | None = None
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    label: Label | None = None
    label_globs: tuple[tuple[str, Label], ...] | None = None


def select(paths: Sequence[str], known: Sequence[Source], options: SourceOptions) -> list[Selection]:
    """The selections that `paths` mean, one a source. Raises UsageError for a path or name that cannot be meant."""
    chosen: dict[str, Selection] = {}
    before = {source.name: source for source in known}
    remembered = dict(before)
    for given in paths:
        selection = _select_one(given, remembered, options)
        name = selection.source.name
        if earlier := chosen.get(name):
            selection = _merged(given, earlier, selection)
        chosen[name] = selection
        remembered[name] = selection.source
    return [replace(s, source=_with_options(s, options), new=_new(s, before.get(name))) for name, s in chosen.items()]


def _new(selection: Selection, before: Source | None) -> frozenset[str]:
    pages = selection.only if selection.source.kind == "web" else ()
    return frozenset(pages).difference(before.only if before else ())


def check_reachable(selections: Sequence[Selection], *, offline: bool) -> None:
    """Raises UsageError where a page of the web is wanted by a process that stays offline."""
    wanted = next((s.source.root for s in selections if s.source.kind == "web"), None)
    if offline and wanted is not None:
        raise UsageError(f"--offline: no page of {wanted} is fetched", hint="leave --offline out, or save the page")


def local_path(given: str) -> Path:
    """What a person wrote as an absolute path. `~name` stays as it is where there is no such user, as in a shell."""
    with contextlib.suppress(RuntimeError):
        return Path(given).expanduser().absolute()
    return Path(given).absolute()


def name_for(folder: Path) -> str:
    """A source's name from its folder's: printable, without a slash, never empty."""
    name = folder.name.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() and c != "/" else "_" for c in name) or "root"


def _select_one(given: str, remembered: dict[str, Source], options: SourceOptions) -> Selection:
    if given == "-":
        return Selection(Source(name=_checked_name(options.name or "stdin"), kind="stdin", root=""))
    if looks_like_url(given) and not os.path.lexists(given):  # a file may have any name
        return _page(given, remembered, options)
    # `absolute`, not `resolve`: a folder reached by a link keeps the name the user knows it by.
    return _file(given, remembered, options)


def _file(given: str, remembered: dict[str, Source], options: SourceOptions) -> Selection:
    path = local_path(given)
    path = Path(*[part for part in path.parts if part != "."])
    if ".." in path.parts:
        path = path.resolve()
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UsageError(f"the path is not UTF-8: {shown}", hint="rename it") from None
    try:
        there, is_folder = path.exists() or path.is_symlink(), path.is_dir()
    except OSError as exc:
        raise UsageError(f"{given}: {exc.strerror}", hint="check the path and its permissions") from None
    if not there:
        if inside := _inside(path, remembered, options):
            return inside  # named once, gone now: its document is to be removed
        raise UsageError(f"there is no file or folder {given}", hint=_meant(given, path))
    if inside := _inside(path, remembered, options):
        return inside
    if is_folder:
        source = Source(name=_checked_name(options.name or name_for(path)), kind="folder", root=str(path))
        return Selection(_same_place(source, remembered, options))
    if path.suffix.lower() in _JSONL:
        source = Source(
            name=_checked_name(options.name or name_for(path.with_suffix(""))), kind="jsonl", root=str(path)
        )
        return Selection(_same_place(source, remembered, options))
    folder = path.parent
    source = Source(
        name=_checked_name(options.name or name_for(folder)), kind="folder", root=str(folder), only=(path.name,)
    )
    return Selection(_same_place(source, remembered, options), only=(path.name,))


def _meant(given: str, path: Path) -> str:
    """What a person may have meant by the path of nothing: a file of nearly that name, or a page."""
    import difflib

    if _HOST_FIRST.match(given):
        return f"check the path; if it is a page: https://{given}"
    with contextlib.suppress(OSError):
        names = [entry.name for entry in islice(os.scandir(path.parent), _LOOKED_AT)]
        if near := difflib.get_close_matches(path.name, names, n=1):
            return f"did you mean {path.parent / near[0]}?"
    return "check the path"


def _page(given: str, remembered: dict[str, Source], options: SourceOptions) -> Selection:
    """A page as a part of its site, which is one source. Raises UsageError for what is no address of a page."""
    url = parse_url(given)
    if url is None:
        flaw, hint = flaw_of(given)
        raise UsageError(flaw, hint=hint)
    sites = [s for s in remembered.values() if s.kind == "web" and s.root == url.origin]
    sites = [site for site in sites if options.name in {None, site.name}]
    site = next((site for site in sites if url.path in site.only), sites[0] if sites else None)
    name = site.name if site else _checked_name(options.name or url.host + url.port)
    source = Source(name=name, kind="web", root=url.origin, only=(url.path,))
    return Selection(_same_place(source, remembered, options), only=(url.path,))


def _inside(path: Path, remembered: dict[str, Source], options: SourceOptions) -> Selection | None:
    """A part of a source that is remembered whole: that source, looked at in this part only."""
    candidates = [
        source
        for source in remembered.values()
        if source.kind == "folder"
        and path.is_relative_to(source.root)
        and (not source.only or str(path.relative_to(source.root)) in source.only)
        and options.name in {None, source.name}
    ]
    if not candidates:
        return None
    source = max(candidates, key=lambda s: len(s.root))
    part = path.relative_to(source.root).as_posix()
    return Selection(source) if part == "." else Selection(source, only=(part,))


def _same_place(source: Source, remembered: dict[str, Source], options: SourceOptions) -> Source:
    """`source` as it is remembered, with what is new added. Raises UsageError where the name means another place."""
    earlier = remembered.get(source.name)
    if earlier is None:
        return source
    moved = earlier.kind != source.kind or earlier.root != source.root
    other = "web" in {source.kind, earlier.kind} or Path(earlier.root).exists()
    if moved and options.name is None and other:
        raise UsageError(
            f"the source {source.name!r} of this collection is {earlier.root}, not {source.root}",
            hint=f"name this one: --source NAME (or --source {source.name} if the documents have moved here)",
        )
    if not earlier.only or not source.only:
        only: tuple[str, ...] = ()
        if earlier.only == () and source.only and moved:
            only = source.only
    else:
        only = tuple(dict.fromkeys((*earlier.only, *source.only)))
    return replace(earlier, kind=source.kind, root=source.root, only=only)


def _merged(given: str, earlier: Selection, later: Selection) -> Selection:
    if later.source.kind == "stdin":
        raise UsageError("standard input can be read only once", hint="give - once")
    if earlier.source.root != later.source.root:
        raise UsageError(
            f"{given}: two paths of this command would both be the source {later.source.name!r}",
            hint="ingest them one by one with --source NAME",
        )
    if not earlier.only or not later.only:
        return Selection(later.source)
    return Selection(later.source, only=tuple(dict.fromkeys((*earlier.only, *later.only))))


def _checked_name(name: str) -> str:
    if not name.strip() or "/" in name or not name.isprintable() or len(name) > 200:
        raise UsageError(f"{name!r} cannot be a source's name", hint="printable characters, no slash, at most 200")
    return name


def _with_options(selection: Selection, options: SourceOptions) -> Source:
    source = selection.source
    label, globs = options.label, options.label_globs
    if label is not None and selection.only and set(selection.only) != set(source.only):
        # A label given with a part of a source is that part's. It can tighten what holds for the whole, not loosen it.
        parts = tuple((glob, label) for path in selection.only for glob in (source.uri(path), f"{source.uri(path)}/**"))
        label, globs = None, tuple(dict.fromkeys((*source.label_globs, *(globs or ()), *parts)))
    given = {
        "include": options.include,
        "exclude": _still_left_out(source.exclude, options.exclude, named=selection.only),
        "label": label,
        "label_globs": globs,
    }
    return replace(source, **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]


def _still_left_out(
    rules: Sequence[str], given: tuple[str, ...] | None, *, named: Sequence[str]
) -> tuple[str, ...] | None:
    """The exclude patterns of a source from now on; None where they stay.

    New ones take the place of all but those of single paths: what was forgotten stays out, until it is named itself.
    """
    lifted = {pattern_of(path) for path in named}
    if given is None:
        return tuple(rule for rule in rules if rule not in lifted) if lifted & set(rules) else None
    single = (rule for rule in rules if is_of_one_path(rule) and rule not in lifted)
    return tuple(dict.fromkeys((*given, *single)))
