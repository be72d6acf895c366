"""Which detectors there are: the built-in ones always, what was added besides, and nothing less than was chosen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.registry import load_detectors
from hybridrag.privacy.scanning import scan
from tests.privacy.ner_models import write_lookup

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution with these entry points, as a package manager leaves it."""

    def installed(distribution: str = "acme", **entries: str) -> None:
        info = tmp_path / "site" / f"{distribution}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {target}\n" for name, target in entries.items())
        (info / "entry_points.txt").write_text(f"[hybridrag.detectors]\n{lines}")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return installed


def names(found: tuple[object, ...]) -> list[str]:
    return [str(getattr(detector, "name", None)) for detector in found]


def test_without_settings_there_are_the_builtin_ones() -> None:
    loaded = load_detectors()
    assert names(loaded.usual) == names(builtin_detectors())
    assert not loaded.has_names_model
    assert loaded.for_label(strict=False) == loaded.usual
    assert loaded.for_label(strict=True) == (*loaded.usual, *loaded.strict)


def test_one_of_another_package_is_added(install: Install) -> None:
    install(badges="tests.privacy.plugins:Badges")
    loaded = load_detectors(detectors=["badges", "structured", "badges"])
    assert names(loaded.usual) == names(builtin_detectors())
    assert names(loaded.added) == ["badges"]
    text = "Ada's badge B-1234, ada@example.com"
    assert [(text[s.start : s.end], s.type) for s in scan(text, loaded.for_label(strict=False))] == [
        ("B-1234", "BADGE"),
        ("ada@example.com", "EMAIL"),
    ]


def test_a_builtin_one_cannot_be_taken_over(install: Install) -> None:
    install(structured="tests.privacy.plugins:Badges")
    loaded = load_detectors(detectors=["structured"])
    assert names(loaded.usual) == names(builtin_detectors())
    assert scan("ada@example.com", loaded.usual)


@pytest.mark.parametrize("kind", ["not_a_detector", "Nameless", "unable", "absent"])
def test_what_is_chosen_and_cannot_be_loaded_blocks(install: Install, kind: str) -> None:
    install(theirs=f"tests.privacy.plugins:{kind}")
    load_detectors()
    with pytest.raises(BlockedByPolicy, match="theirs could not be loaded") as caught:
        load_detectors(detectors=["theirs"])
    assert caught.value.exit_code == 7
    assert caught.value.hint


def test_what_is_not_installed_blocks() -> None:
    with pytest.raises(BlockedByPolicy, match="'nonesuch' is not installed") as caught:
        load_detectors(detectors=["nonesuch"])
    assert "structured" in caught.value.hint


def test_two_packages_with_one_name_block(install: Install) -> None:
    install("acme", badges="tests.privacy.plugins:Badges")
    install("bolt", badges="tests.privacy.plugins:Chatty")
    with pytest.raises(BlockedByPolicy, match="Several packages"):
        load_detectors(detectors=["badges"])


def test_only_what_is_chosen_is_imported(install: Install, tmp_path: Path) -> None:
    install(bomb="bomb:make", badges="tests.privacy.plugins:Badges")
    (tmp_path / "site" / "bomb.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close()\n")
    load_detectors(detectors=["badges"])
    assert not (tmp_path / "imported").exists()
    with pytest.raises(BlockedByPolicy):
        load_detectors(detectors=["bomb"])
    assert (tmp_path / "imported").exists()
    assert "bomb" not in sys.modules


def test_a_names_model_by_what_is_in_its_folder(install: Install, tmp_path: Path) -> None:
    install(onnx="hybridrag.privacy.ner.onnx_ner:onnx_ner")
    folder = write_lookup(tmp_path / "model")
    loaded = load_detectors(names_model=str(folder))
    assert loaded.has_names_model
    text = "Grace Hopper in London"
    found = [(text[span.start : span.end], span.type) for span in loaded.added[-1].detect(text)]
    assert found == [("Grace Hopper", "PERSON"), ("London", "PLACE")]
    (folder / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(BlockedByPolicy, match="cannot be loaded") as caught:
        load_detectors(names_model=str(folder))
    assert str(folder) in caught.value.message


def test_a_names_model_of_another_package(install: Install, tmp_path: Path) -> None:
    install(theirs="tests.privacy.plugins:Folder")
    (tmp_path / "version").write_text("17")
    assert load_detectors(names_model=f"theirs:{tmp_path}").added[-1].version == "17"
    with pytest.raises(BlockedByPolicy):
        load_detectors(names_model=f"theirs:{tmp_path / 'site'}")


@pytest.mark.parametrize("place", ["/nonexistent/model", "onnx:/nonexistent/model", "gone"])
def test_a_names_model_that_is_not_there_blocks(place: str) -> None:
    with pytest.raises(BlockedByPolicy, match="There is no folder"):
        load_detectors(names_model=place)


def test_the_users_own_words_and_what_stays_readable(install: Install, tmp_path: Path) -> None:
    install(onnx="hybridrag.privacy.ner.onnx_ner:onnx_ner")
    (tmp_path / "customers.txt").write_text("Grace\n")
    loaded = load_detectors(
        names_model=str(write_lookup(tmp_path / "model")),
        dictionaries={"CUSTOMER": [tmp_path / "customers.txt"]},
        deny=["project kestrel", r"re:K-\d+"],
        allow=["London", "Grace", "Project Kestrel"],
    )
    text = "Ada in London with Grace on project kestrel K-17"
    assert [(text[span.start : span.end], span.type) for span in scan(text, loaded.for_label(strict=False))] == [
        ("Ada", "PERSON"),
        ("Grace", "CUSTOMER"),
        ("project kestrel", "DENIED"),
        ("K-17", "DENIED"),
    ]


def test_the_fingerprint_is_everything_that_decides(install: Install, tmp_path: Path) -> None:
    install(onnx="hybridrag.privacy.ner.onnx_ner:onnx_ner", badges="tests.privacy.plugins:Badges")
    folder = str(write_lookup(tmp_path / "model"))
    (tmp_path / "terms.txt").write_text("kestrel\n")
    terms = {"CUSTOMER": [tmp_path / "terms.txt"]}
    prints = [
        load_detectors().fingerprint,
        load_detectors(detectors=["badges"]).fingerprint,
        load_detectors(names_model=folder).fingerprint,
        load_detectors(dictionaries=terms).fingerprint,
        load_detectors(deny=["kestrel"]).fingerprint,
        load_detectors(deny=["re:kestrel"]).fingerprint,
        load_detectors(allow=["kestrel"]).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert all(len(found) == 64 for found in prints)
    assert load_detectors().fingerprint == prints[0]
    assert load_detectors(dictionaries=terms).fingerprint == prints[3]
    (tmp_path / "terms.txt").write_text("kestrel\nheron\n")
    assert load_detectors(dictionaries=terms).fingerprint != prints[3]


def test_nothing_heavy_is_imported_here(tmp_path: Path) -> None:
    code = (
        "import sys; from hybridrag.privacy.registry import load_detectors; load_detectors(); "
        "print({'torch', 'onnxruntime', 'tokenizers', 'spacy', 'gliner', 'presidio_analyzer'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
