"""Files that appear whole: over another one or not, private or not, and with nothing left beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridrag.drafts import draft_of


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def test_a_private_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "f"
    for text in ("one", "two"):
        with draft_of(file) as draft:
            draft.write_text(text)
            assert draft.stat().st_mode & 0o777 == 0o600
            assert not file.exists() or file.read_text() == "one"
        assert (file.read_text(), file.stat().st_mode & 0o777, names(tmp_path)) == (text, 0o600, ["f"])


def test_what_is_there_stays_where_it_is_not_to_be_replaced_or_the_block_fails(tmp_path: Path) -> None:
    file = tmp_path / "f"
    with pytest.raises(ZeroDivisionError), draft_of(file) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == []
    with pytest.raises(FileExistsError), draft_of(file, replace=False) as draft:
        draft.write_text("mine")
        file.write_text("another's, meanwhile")
    assert (file.read_text(), names(tmp_path)) == ("another's, meanwhile", ["f"])
    file.unlink()
    with draft_of(file, replace=False) as draft:
        draft.write_text("mine")
    assert (file.read_text(), names(tmp_path)) == ("mine", ["f"])


def test_a_file_for_all_has_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with draft_of(tmp_path / "f", private=False) as draft:
            draft.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
