"""From what was typed to sources: folders, files, datasets, parts of what is remembered, and names that clash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.flows.labels import path_label
from hybridrag.flows.selection import Selection, SourceOptions, select
from hybridrag.types import Label, Source


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "hr").mkdir(parents=True)
    for name in ("a.md", "b.md", "hr/pay.md", "set.jsonl"):
        (folder / name).write_text("{}")
    return folder


def chosen(*paths: object, known: Sequence[Source] = (), **options: object) -> list[Selection]:
    return select([str(path) for path in paths], known, SourceOptions(**options))  # type: ignore[arg-type]


def only(*paths: object, known: Sequence[Source] = (), **options: object) -> Selection:
    (selection,) = chosen(*paths, known=known, **options)
    return selection


def test_a_folder_is_a_source_with_its_name(docs: Path) -> None:
    selection = only(docs)
    assert selection.source == Source("docs", "folder", str(docs))
    assert selection.only == ()
    assert selection.covers("hr/pay.md")


@pytest.mark.parametrize("written", ["{0}/", "{0}/.", "{0}/hr/..", "{0}/./hr/../../docs"])
def test_a_folder_however_it_is_written(docs: Path, written: str) -> None:
    assert only(written.format(docs)).source == Source("docs", "folder", str(docs))


def test_a_folder_from_inside(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(docs / "hr")
    assert only(".").source == Source("hr", "folder", str(docs / "hr"))
    assert only("..").source == Source("docs", "folder", str(docs))
    assert only("pay.md") == Selection(Source("hr", "folder", str(docs / "hr"), only=("pay.md",)), only=("pay.md",))


def test_a_folder_reached_by_a_link_keeps_the_links_name(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "handbook").symlink_to(docs)
    assert only(tmp_path / "handbook").source == Source("handbook", "folder", str(tmp_path / "handbook"))


def test_a_file_is_a_part_of_its_folder(docs: Path) -> None:
    selection = only(docs / "a.md")
    assert selection == Selection(Source("docs", "folder", str(docs), only=("a.md",)), only=("a.md",))
    assert selection.covers("a.md")
    assert not selection.covers("b.md")
    assert not selection.covers("a.md.old")


def test_two_files_of_one_folder_are_one_selection(docs: Path) -> None:
    selection = only(docs / "a.md", docs / "b.md", docs / "a.md")
    assert selection.only == selection.source.only == ("a.md", "b.md")


def test_a_file_and_then_its_whole_folder(docs: Path) -> None:
    for paths in ((docs / "a.md", docs), (docs, docs / "a.md")):
        selection = only(*paths)
        assert selection.only == selection.source.only == ()


def test_a_dataset_is_a_source_of_its_own(docs: Path) -> None:
    assert only(docs / "set.jsonl").source == Source("set", "jsonl", str(docs / "set.jsonl"))


def test_standard_input() -> None:
    assert only("-").source == Source("stdin", "stdin", "")
    assert only("-", name="mail").source.name == "mail"
    with pytest.raises(UsageError, match="only once"):
        chosen("-", "-")


# --- what is remembered ----------------------------------------------------------------------------------------------


def test_a_part_of_a_remembered_folder(docs: Path) -> None:
    known = Source("handbook", "folder", str(docs), label=Label.CONFIDENTIAL, exclude=("*.tmp",))
    assert only(docs / "hr", known=[known]) == Selection(known, only=("hr",))
    assert only(docs / "hr" / "pay.md", known=[known]) == Selection(known, only=("hr/pay.md",))
    assert only(docs, known=[known]) == Selection(known)
    both = only(docs / "hr", docs / "a.md", known=[known])
    assert both.only == ("hr", "a.md")
    assert both.covers("hr/pay.md")
    assert not both.covers("hrx/pay.md")


def test_the_innermost_remembered_folder_counts(docs: Path) -> None:
    outer, inner = Source("docs", "folder", str(docs)), Source("hr", "folder", str(docs / "hr"))
    assert only(docs / "hr" / "pay.md", known=[outer, inner]).source == inner
    assert only(docs / "hr" / "pay.md", known=[outer, inner], name="docs").source == outer


def test_a_file_that_is_gone_can_be_named(docs: Path) -> None:
    known = Source("docs", "folder", str(docs))
    assert only(docs / "gone.md", known=[known]) == Selection(known, only=("gone.md",))
    with pytest.raises(UsageError, match="no file or folder"):
        chosen(docs / "gone.md")


def test_a_further_file_of_a_folder_known_by_files(docs: Path) -> None:
    known = Source("docs", "folder", str(docs), only=("a.md",))
    selection = only(docs / "b.md", known=[known])
    assert selection.source.only == ("a.md", "b.md")
    assert selection.only == ("b.md",)
    whole = only(docs, known=[known])
    assert (whole.source.only, whole.only) == ((), ())


def test_options_change_what_is_remembered_only_where_given(docs: Path) -> None:
    known = Source("docs", "folder", str(docs), include=("*.md",), label=Label.CONFIDENTIAL)
    assert only(docs, known=[known]).source == known
    changed = only(docs, known=[known], include=("*.txt",), label_globs=(("hr/**", Label.LOCAL_ONLY),)).source
    assert changed == replace(known, include=("*.txt",), label_globs=(("hr/**", Label.LOCAL_ONLY),))


# --- names -----------------------------------------------------------------------------------------------------------


def test_a_label_given_with_a_part_holds_for_that_part(docs: Path) -> None:
    known = Source("docs", "folder", str(docs), label=Label.INTERNAL)
    changed = only(docs / "hr", known=[known], label=Label.LOCAL_ONLY).source
    assert changed.label is Label.INTERNAL
    assert path_label(changed, "hr/pay.md", ()) is Label.LOCAL_ONLY
    assert path_label(changed, "a.md", ()) is Label.INTERNAL
    loosened = only(docs / "hr", known=[replace(known, label=Label.CONFIDENTIAL)], label=Label.PUBLIC).source
    assert path_label(loosened, "hr/pay.md", ()) is Label.CONFIDENTIAL


def test_two_folders_of_one_name_in_one_command(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "docs").mkdir(parents=True)
    with pytest.raises(UsageError, match="'docs'"):
        chosen(docs, tmp_path / "other" / "docs")


def test_a_name_that_means_another_place(docs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "docs"
    other.mkdir(parents=True)
    known = Source("docs", "folder", str(docs))
    with pytest.raises(UsageError, match=r"the source 'docs' of this collection is .*, not") as caught:
        chosen(other, known=[known])
    assert "--source" in caught.value.hint
    assert only(other, known=[known], name="other").source == Source("other", "folder", str(other))
    assert only(other, known=[known], name="docs").source == replace(known, root=str(other)), "it has moved there"


def test_a_source_whose_place_is_gone_may_move(tmp_path: Path, docs: Path) -> None:
    known = Source("docs", "folder", str(tmp_path / "elsewhere" / "docs"), label=Label.CONFIDENTIAL)
    assert only(docs, known=[known]).source == replace(known, root=str(docs))


def test_one_name_for_two_places_is_refused(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="two paths"):
        chosen(docs, tmp_path / "other", name="one")
    with pytest.raises(UsageError, match="two paths"):
        chosen(docs / "set.jsonl", docs, name="one")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\nb", "\x1b[31m", "x" * 201])
def test_a_name_that_cannot_be_one(docs: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a source's name"):
        chosen(docs, name=name or " ")


def test_a_folder_with_an_unprintable_name(tmp_path: Path) -> None:
    folder = tmp_path / "a\nb\x1b"
    folder.mkdir()
    assert only(folder).source.name == "a_b_"


def test_the_root_of_the_machine_has_a_name() -> None:
    assert only("/").source == Source("root", "folder", "/")


def test_pages_of_a_site_are_parts_of_one_source() -> None:
    selection = only("https://example.com/a", "https://EXAMPLE.com/b?c#d")
    assert selection.source == Source("example.com", "web", "https://example.com", only=("a", "b?c"))
    assert selection.only == ("a", "b?c")
    assert (selection.covers("a"), selection.covers("a/b")) == (True, False), "a page is no folder"
    known = replace(selection.source, name="handbook")
    again = only("https://example.com/a", known=[known])
    assert (again.source, again.only, again.new) == (known, ("a",), frozenset())
    more = only("https://example.com/", known=[known])
    assert (more.source.name, more.source.only, more.new) == ("handbook", ("a", "b?c", "index"), frozenset({"index"}))


def test_sites_of_one_name_are_told_apart(docs: Path) -> None:
    site = Source("example.com", "web", "https://example.com", only=("a",))
    assert only("http://example.com/a", known=[site], name="plain").source.root == "http://example.com"
    assert only("https://example.com:8443/a", known=[site]).source.name == "example.com:8443"
    with pytest.raises(UsageError, match=r"is https://example\.com, not http://example\.com"):
        chosen("http://example.com/a", known=[site])
    with pytest.raises(UsageError, match=r"is https://example\.com, not"):
        chosen(docs, known=[replace(site, name="docs")])


@pytest.mark.parametrize("written", ["htp://example.com", "http:/example.com", "http://me:secret@example.com/"])
def test_what_looks_like_an_address_and_is_none_is_told(written: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(written)
    assert caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_file_whose_name_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "a.md").write_text("A.")
    assert only("http:/a.md").source.kind == "folder"
