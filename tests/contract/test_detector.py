"""What every `Detector` keeps: the built-in ones, the user's own terms, names models, other packages' and fakes."""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridrag.ports import Detector
from hybridrag.privacy.confined import Confined
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.dictionaries import Allowed, own_detectors
from hybridrag.privacy.ner.gliner_ner import GlinerNer
from hybridrag.privacy.ner.onnx_ner import OnnxNer
from hybridrag.privacy.ner.presidio import Presidio
from hybridrag.privacy.registry import load_detectors
from hybridrag.types import Span
from tests.privacy.ner_models import write_gliner, write_lookup
from tests.privacy.plugins import Badges

# Libraries warn while they load.
pytestmark = pytest.mark.filterwarnings("ignore")

BUILTIN = {found.name: found for found in load_detectors().for_label(strict=True)}
SLOW = {"presidio", "gliner"}
EXAMPLE = (
    "Dear Mr. John Smith, Ada Lovelace of 221B Baker Street (born 10 December 1985) has badge B-1234 and writes from "
    "ada@example.com or +49 30 901820 about Project Kestrel; her card is 4111 1111 1111 1111, and her "
    "password = 'correct-horse-battery-9'. Passport no. C01X00T47, VIN 1HGCM82633A004352, tax id 65 929 970 489. "
    "Yours, Grace Hopper"
)


def models(folder: Path) -> dict[str, Callable[[], Detector]]:
    write_lookup(folder / "onnx")
    write_gliner(folder / "gliner")
    return {
        "dictionary": lambda: own_detectors({}, ["project kestrel", "ada"])[0],
        "deny": lambda: own_detectors({}, [r"re:[A-Z]-\d+"])[0],
        "sparing": lambda: Allowed(["Grace Hopper"]).spare(OnnxNer(folder / "onnx")),
        "onnx": lambda: OnnxNer(folder / "onnx"),
        "gliner": lambda: GlinerNer(folder / "gliner", threshold=0.5),
        "presidio": Presidio,
        "fake": Badges,
        "confined fake": lambda: Confined("tests.privacy.plugins:Badges", label="badges"),
        "confined onnx": lambda: Confined(
            "hybridrag.privacy.ner.onnx_ner:onnx_ner", label="onnx", argument=folder / "onnx"
        ),
    }


KINDS = [
    *BUILTIN,
    "dictionary",
    "deny",
    "sparing",
    "onnx",
    "gliner",
    "presidio",
    "fake",
    "confined fake",
    "confined onnx",
]


@pytest.fixture(scope="module")
def makers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[[], Detector]]:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def detector(kind: str, makers: dict[str, Callable[[], Detector]]) -> Detector:
    return BUILTIN[kind] if kind in BUILTIN else makers[kind]()


def installed() -> Sequence[tuple[str, str]]:
    """Name and target of those that the package declares."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["entry-points"]["hybridrag.detectors"].items())


def test_the_builtin_ones_are_registered_like_others() -> None:
    own = [
        EntryPoint(name, target, "hybridrag.detectors").load() for name, target in installed() if ".ner." not in target
    ]
    registered = {(found.name, found.version) for found in (make() for make in own)}
    assert {(found.name, found.version) for found in builtin_detectors()} <= registered


def test_it_has_a_name_and_a_version(detector: Detector) -> None:
    assert detector.name
    assert detector.version


def test_it_finds_something_of_its_own(kind: str, detector: Detector) -> None:
    spans = check(detector, EXAMPLE)
    # Random weights find all or nothing at one threshold; tests/privacy/test_gliner.py holds them against the library.
    assert spans or kind == "gliner"


HOSTILE = [
    "",
    " ",
    "\n" * 300,
    "\0\ud800\U0010ffff\ufdd0",
    "a@" * 200,
    "1 " * 200,
    "[SEP][PAD]##<<ENT>>" * 9,
    "⟦PERSON_1·a7f3⟧ Ada",
    "\u202eecarG\u202c 🙂👩\u200d👩\u200d👧 Z\u0301\u0301\u0301",
    "x" * 3000,
    "-----BEGIN RSA PRIVATE KEY-----",
    EXAMPLE * 2,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_spans_lie_inside_any_text_and_are_the_same_again(detector: Detector, text: str) -> None:
    assert check(detector, text) == list(detector.detect(text))


_pieces = st.sampled_from(
    ["ada@", "4111 1111 1111 1111", "10.0.0.1", "Ada ", "Lovelace", "B-1234", "project  kestrel", "\ud800", "new york"]
)


@settings(deadline=None, max_examples=25)
@given(text=st.text(max_size=120) | st.lists(_pieces | st.text(max_size=9), max_size=8).map("".join))
@example(text="İ ß ﬀ 東京")
def test_spans_lie_inside_texts_that_nobody_thought_of(detector: Detector, text: str) -> None:
    assert check(detector, text) == list(detector.detect(text))


def test_threads_may_share_it(detector: Detector) -> None:
    texts = [f"{'so ' * number}{EXAMPLE[: 40 * number]}" for number in range(1, 9)]
    expected = [list(detector.detect(text)) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: list(detector.detect(text)), texts * 2)) == expected * 2


@pytest.mark.parametrize("unit", ["1 ", "a@", "Ab ", "x", " ", "--", "\u0301", "é🙂"])
def test_time_grows_with_the_text_and_no_faster(kind: str, detector: Detector, unit: str) -> None:
    size = 160 if kind in SLOW else 4_000
    one, eight = unit * (size // len(unit)), unit * (8 * size // len(unit))
    # Below some milliseconds other processes are what is measured; so is, for longer, the start of a model's threads.
    least = 5e-2 if kind in SLOW else 3e-3
    assert any(spent(detector, eight) / max(spent(detector, one), least) < 24 for _ in range(3))


def test_it_opens_no_connection(detector: Detector) -> None:
    seen.clear()
    list(detector.detect(EXAMPLE))
    assert seen == []


seen: list[str] = []


def _watch(event: str, _: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        seen.append(event)


sys.addaudithook(_watch)


def spent(detector: Detector, text: str) -> float:
    begun = time.perf_counter()
    list(detector.detect(text))
    return time.perf_counter() - begun


def check(detector: Detector, text: str) -> list[Span]:
    spans = list(detector.detect(text))
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.type.isascii()
        assert span.type.isupper()
        assert 1 <= len(span.type) <= 10
        assert span.rule
    return spans
