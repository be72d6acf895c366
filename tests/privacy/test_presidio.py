"""Presidio's patterns: what they find through small windows, and that nothing is fetched."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.privacy.confined import Confined
from hybridrag.privacy.ner.presidio import Presidio, _windows

# spaCy and its kin warn while they load.
pytestmark = pytest.mark.filterwarnings("ignore")

VALUES = [
    ("4111 1111 1111 1111", "CARD"),
    ("DE89 3704 0044 0532 0130 00", "IBAN"),
    ("ada.lovelace@example.co.uk", "EMAIL"),
    ("536-90-4399", "SSN"),
    ("192.0.2.17", "IP"),
    ("00:1B:44:11:3A:B7", "MAC"),
]


@pytest.fixture(scope="module")
def presidio() -> Presidio:
    return Presidio()


@pytest.mark.parametrize(("value", "kind"), VALUES, ids=[kind for _, kind in VALUES])
@pytest.mark.parametrize("before", [0, 7, 50, 61, 64, 200])
def test_a_value_is_found_wherever_windows_fall(presidio: Presidio, value: str, kind: str, before: int) -> None:
    head = ("lorem ipsum " * 30)[:before].rstrip() + " " * (before > 0)
    text = f"{head}{value} dolor sit amet"
    found = {(span.start, span.end) for span in presidio.detect(text) if span.type == kind}
    assert (len(head), len(head) + len(value)) in found


def test_a_context_word_helps(presidio: Presidio) -> None:
    assert "PASSPORT" in {span.type for span in presidio.detect("my passport number is 912803456")}
    assert "PASSPORT" not in {span.type for span in presidio.detect("we sold it for 912803456")}


def test_prose_costs_nothing(presidio: Presidio) -> None:
    assert list(_windows("Nothing to look for, however long it is. " * 10_000)) == []
    assert presidio.detect("No number, no address.") == []


telling = st.text(alphabet="a1@ \n", max_size=400)


@given(text=telling, start=st.integers(0, 399), length=st.integers(1, 48))
def test_windows_are_small_and_miss_nothing(text: str, start: int, length: int) -> None:
    """A value of up to 48 characters that begins a word and ends one, and holds a digit or @, is in one whole."""
    places = list(_windows(text))
    assert all(0 <= first <= last <= len(text) and last - first <= 64 for first, last in places)
    assert all(one[0] <= two[0] for one, two in pairwise(places))
    end = min(start + length, len(text))
    value = text[start:end]
    begins = start == 0 or (start < len(text) and text[start - 1].isspace())
    ends = end == len(text) or text[end].isspace()
    if begins and ends and value.strip() == value and any(char in "1@" for char in value):
        assert any(first <= start and end <= last for first, last in places)


def test_windows_are_linear() -> None:
    assert len(list(_windows("1" * 160_000))) <= 160_000 // 16 + 1


def test_it_runs_in_a_process_of_its_own(presidio: Presidio) -> None:
    child = Confined("hybridrag.privacy.ner.presidio:presidio", label="presidio")
    text = "ada@example.co.uk \ud800 and 4111 1111 1111 1111"
    assert child.version == presidio.version
    assert child.detect(text) == presidio.detect(text)
    assert {span.type for span in child.detect(text)} >= {"EMAIL", "CARD"}


def test_it_opens_no_connection_and_loads_no_network(tmp_path: Path) -> None:
    """In a process that tells of each connection and each name it looks up, with a home where no list is kept yet."""
    code = """
import json, sys
seen = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"}:
        seen.append(event)
sys.addaudithook(watch)
from hybridrag.privacy.ner.presidio import Presidio
spans = Presidio().detect("ada@example.co.uk, 4111 1111 1111 1111")
import tldextract
tldextract.extract("www.example.co.uk")
loaded = sorted({"gliner", "torch", "transformers"} & {*sys.modules})
print(json.dumps({"seen": seen, "types": sorted({span.type for span in spans}), "loaded": loaded}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["seen"] == []
    assert told["loaded"] == [], "they take longer to load than all the rest"
    assert {"CARD", "EMAIL"} <= set(told["types"])
