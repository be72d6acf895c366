"""Credentials planted in real source trees, and what is masked there in vain.

    python benchmarks/privacy_secrets.py [TREE] [--megabytes 8] [--each 200] [--prose FOLDER...]

TREE is a folder of source files, by default the packages of this Python. Credentials are made at random in their
vendors' published formats, written in the idiom of a file kind, and put between the lines of a file. A value counts as
covered when all its letters and digits lie in found spans. In vain is everything found in the untouched files; real
credentials in examples count there too. `detect-secrets` is measured beside it if it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hybridrag.privacy.detectors import secrets
from hybridrag.privacy.scanning import scan
from tests.privacy.made_credentials import FAMILIES, credential

SUFFIXES = {".py", ".js", ".ts", ".json", ".md", ".yaml", ".yml", ".toml", ".cfg", ".txt", ".h", ".html", ".rst"}
LINES_AROUND = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, nargs="?", default=Path(sysconfig.get_paths()["purelib"]))
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--prose", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    print(json.dumps(measure(options.tree, options.megabytes, options.each, prose=options.prose), indent=2))


def measure(
    tree: Path | None = None, megabytes: float = 8, each: int = 200, *, prose: Sequence[Path] = ()
) -> dict[str, Any]:
    """Shares between 0 and 1: covered values by family and in all, characters masked in vain of source and of prose."""
    files = list(sources(tree or Path(sysconfig.get_paths()["purelib"]), int(megabytes * 1e6)))
    planted = [case for family in FAMILIES for case in planting(files, family, each)]
    found = [(family, _covered(text, start, end, _spans(text))) for family, text, start, end in planted]
    result: dict[str, Any] = {
        "values": len(found),
        "covered": _share([hit for _, hit in found]),
        "by family": {family: _share([hit for other, hit in found if other == family]) for family in FAMILIES},
        "source characters": sum(map(len, files)),
        "source masked": _masked(files),
    }
    if prose:
        texts = [path.read_text("utf-8") for folder in prose for path in sorted(folder.rglob("*.md"))]
        result["prose characters"] = sum(map(len, texts))
        result["prose masked"] = _masked(texts)
    if importlib.util.find_spec("detect_secrets") is None:
        result["detect-secrets"] = "not installed"
    else:
        result["detect-secrets"] = _share([_peer_covers(text, start, end) for _, text, start, end in planted])
    return result


def sources(tree: Path, most: int) -> Iterator[str]:
    """The texts of files of the tree, in an order of chance that is the same each time, up to `most` characters."""
    paths = sorted(path for path in tree.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    random.Random(3).shuffle(paths)
    total = 0
    for path in paths:
        if not 200 < path.stat().st_size < 200_000:
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        total += len(text)
        yield text
        if total > most:
            return


def planting(files: Sequence[str], family: str, count: int) -> Iterator[tuple[str, str, int, int]]:
    """(family, text, start, end): a few lines of a file with a credential among them, and where its value stands."""
    rng = random.Random(f"plant {family}")
    for _ in range(count):
        lines = rng.choice(files).split("\n")
        at = rng.randrange(len(lines) + 1)
        _, line, value = credential(rng, family)
        before = "\n".join(lines[max(0, at - LINES_AROUND) : at]) + "\n"
        text = before + line + "\n" + "\n".join(lines[at : at + LINES_AROUND])
        start = len(before) + line.index(value)
        yield family, text, start, start + len(value)


def _spans(text: str) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in scan(text, [secrets()])]


def _covered(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    inside = bytearray(len(text))
    for first, last in spans:
        inside[first:last] = b"\1" * (last - first)
    return all(inside[at] or not text[at].isalnum() for at in range(start, end))


def _masked(texts: Sequence[str]) -> float:
    return round(sum(end - start for text in texts for start, end in _spans(text)) / max(1, sum(map(len, texts))), 6)


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / max(1, len(found)), 4)


def _peer_covers(text: str, start: int, end: int) -> bool:
    """Whether detect-secrets with its default plugins names a secret that is the value, or holds it."""
    from detect_secrets import SecretsCollection  # type: ignore[import-not-found,unused-ignore]
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found,unused-ignore]

    with tempfile.TemporaryDirectory() as folder, default_settings():
        path = Path(folder) / "file.txt"
        path.write_text(text, encoding="utf-8")
        collection = SecretsCollection()
        collection.scan_file(str(path))
        return any(text[start:end] in (found.secret_value or "") for _, found in collection)


if __name__ == "__main__":
    main()
