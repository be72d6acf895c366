"""Pictures: a PNG that shows every bar, or a reason why there is none, before anything is measured."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hybridrag.errors import ConfigError, UsageError
from hybridrag.evaluation.plots import Bar, Panel, check_plot, draw_bars


def pixels(path: Path) -> list[tuple[int, int, int]]:
    """Every colour of a picture that is neither white nor black nor grey, once."""
    from PIL import Image

    with Image.open(path) as image:
        assert image.format == "PNG"
        colours = image.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    found = [colour for count, colour in colours if count > 2000 and isinstance(colour, tuple)]
    return [(r, g, b) for r, g, b in found if max(r, g, b) - min(r, g, b) > 20]


def test_bars_are_drawn_and_the_best_stands_out(tmp_path: Path) -> None:
    bars = [Bar("slow", 10), Bar("fast", 40, least=30, most=45, emphasised=True)]
    draw_bars(tmp_path / "p.png", title="t", panels=[Panel("speed", bars), Panel("none", [])], cache=tmp_path / "cache")
    assert len(pixels(tmp_path / "p.png")) == 2
    assert [file.name for file in tmp_path.glob("*.png")] == ["p.png"]
    assert [*tmp_path.glob(".p.png*")] == []

    draw_bars(tmp_path / "p.png", title="t", panels=[Panel("speed", bars[:1])], cache=tmp_path / "cache")
    assert len(pixels(tmp_path / "p.png")) == 1, "a picture takes the place of the one before"


def test_bars_of_nothing_are_drawn_too(tmp_path: Path) -> None:
    draw_bars(tmp_path / "p.png", title="", panels=[Panel("", [Bar("", 0.0)])], cache=tmp_path)
    assert pixels(tmp_path / "p.png") == []


def test_a_place_where_no_picture_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for place in (tmp_path / "p.jpg", tmp_path / "nowhere" / "p.png", tmp_path / "folder.png"):
        with pytest.raises(UsageError):
            check_plot(place)
    check_plot(tmp_path / "p.PNG")


def test_a_missing_library_is_told_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as import finds it where it is not installed
    with pytest.raises(ConfigError) as told:
        check_plot(tmp_path / "p.png")
    assert "hybridrag[plots]" in told.value.hint
