"""What `doctor` says of the way out. Its other checks are tested where their parts are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.config import load
from hybridrag.flows.doctor import Check, examine
from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination
from hybridrag.wiring import Wiring
from hybridrag.wiring.doctor_privacy import PrivacyProbes

Checks = Callable[..., dict[str, Check]]
CLOUD = Destination("ours", "https://llm.example.com/v1", "m", local=False)


@pytest.fixture
def examined(tmp_path: Path) -> Checks:
    """What the privacy checks find in a home with these settings."""

    def look(settings: str = "", **environ: str) -> dict[str, Check]:
        (tmp_path / "config.toml").write_text(settings)
        variables = {"HYBRIDRAG_HOME": str(tmp_path), **environ}
        loaded = load(environ=variables, cwd=tmp_path)
        wiring = Wiring(loaded, notify=lambda _: None, environ=variables)
        return {check.name: check for check in examine(PrivacyProbes(wiring).all())}

    return look


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of that home, with a ledger of two requests."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    ledger = FileLedger(folder / "ledger.jsonl", key=load_key(folder / "key"))
    for _ in range(2):
        ledger.outcome(ledger.intent(CLOUD, b"{}", {}), "sent", {})
    return folder


def test_a_new_home_is_well(examined: Checks, tmp_path: Path) -> None:
    found = examined()
    assert list(found) == ["policy", "detectors", "key", "ledger", "provider", "gateway"]
    assert {check.state for check in found.values()} == {"ok"}, found
    assert "defaults" in found["policy"].detail
    assert "no names model" in found["detectors"].detail
    assert str(tmp_path / "data" / "key") in found["key"].detail
    assert "nothing has left" in found["ledger"].detail
    assert "redacts and gives back" in found["gateway"].detail


def test_what_the_policy_asks_for_is_told(examined: Checks) -> None:
    policy = examined('[policy]\nrequire_zdr = true\n[policy.budgets]\nday = 5000\n[policy.actions]\nEMAIL = "allow"\n')
    assert policy["policy"].state == policy["gateway"].state == "ok"
    assert "requires zero data retention; 5,000 characters of all documents a day" in policy["policy"].detail


def test_a_policy_that_cannot_hold_fails(examined: Checks) -> None:
    found = examined('[policy.actions]\nPERSN = "mask"\n')
    assert {name for name, check in found.items() if check.state == "failure"} >= {"policy", "gateway"}
    assert "did you mean PERSON?" in found["policy"].remedy


def test_a_names_model_that_is_asked_for_and_missing(examined: Checks) -> None:
    asked = examined("[policy]\nrequire_ner = true\n")["policy"]
    assert (asked.state, "names_model" in asked.remedy) == ("warning", True)
    missing = examined('[privacy]\nnames_model = "nowhere"\n')
    assert missing["detectors"].state == missing["gateway"].state == "failure"
    assert "names_model" in missing["detectors"].remedy


def test_terms_of_ones_own_are_counted(examined: Checks, tmp_path: Path) -> None:
    (tmp_path / "customers.txt").write_text("Acme\n")
    settings = (
        '[privacy]\ndeny = ["Heron"]\ndeny_patterns = ["HR-[0-9]{5}"]\ndictionaries = {CUSTOMER = "customers.txt"}'
    )
    detail = examined(settings)["detectors"].detail
    assert "dictionaries CUSTOMER; 2 denied terms" in detail


def test_permissions_of_the_key(examined: Checks, data: Path) -> None:
    assert examined()["key"].state == "ok"
    data.chmod(0o770)
    loose = examined()["key"]
    assert (loose.state, loose.remedy) == ("warning", f"chmod go-w {data}")
    (data / "key").chmod(0o644)
    read = examined()["key"]
    assert (read.state, f"chmod 600 {data / 'key'}" in read.remedy) == ("failure", True)


def test_the_ledger_is_verified(examined: Checks, data: Path) -> None:
    path = data / "ledger.jsonl"
    sound = examined("[ledger]\nretention_days = 30\nkeep_payload = true\n")["ledger"]
    assert sound.state == "ok"
    assert "2 requests, kept for 30 days, with the requests; head 4:" in sound.detail
    shutil.copy(path, data / "copy")
    path.write_bytes(path.read_bytes().replace(b'"sent"', b'"gone"', 1))
    changed = examined()["ledger"]
    assert (changed.state, "line 2" in changed.detail) == ("failure", True)
    assert "hybridrag ledger verify" in changed.remedy
    path.write_bytes(b"".join((data / "copy").read_bytes().splitlines(keepends=True)[:2]))
    assert "cut off" in examined()["ledger"].detail


def test_of_a_large_ledger_the_end_is_looked_at(examined: Checks, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridrag.wiring.doctor_privacy._WHOLE", 10)
    assert "its end is sound" in examined()["ledger"].detail
    path = data / "ledger.jsonl"
    path.write_bytes(path.read_bytes()[::-1].replace(b'"m"', b'"n"', 1)[::-1])
    assert examined()["ledger"].state == "failure"


@pytest.mark.parametrize(
    ("settings", "state", "told"),
    [
        ("", "ok", "remote, redacted; may keep what it gets"),
        ("[policy]\nrequire_zdr = true\n", "failure", "requires zero data retention"),
        ("[policy]\nrequire_zdr = true\n[providers.together]\nzdr = true\n", "ok", "keeps nothing"),
    ],
)
def test_what_the_provider_keeps(examined: Checks, settings: str, state: str, told: str) -> None:
    found = examined(f'provider = "together"\nllm = "m"\n{settings}', TOGETHER_API_KEY="k")["provider"]
    assert (found.state, told in found.detail) == (state, True), found
    if state == "failure":
        assert "[providers.together] zdr = true" in found.remedy


def test_a_provider_on_loopback_gets_redacted_texts_unless_it_is_listed(examined: Checks) -> None:
    settings = 'provider = "http://127.0.0.1:9/v1"\nllm = "m"\n'
    assert "redacted all the same" in examined(settings)["provider"].detail
    listed = examined(f'local_addresses = ["127.0.0.1:9"]\n{settings}')["provider"]
    assert "plain text" in listed.detail
    assert listed.state == "ok"
