"""`hybridrag policy` as users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridrag.privacy.policy import TYPES
from tests.conftest import CommandLine, Here, command_line


@pytest.fixture
def cli(tmp_path: Path, here: Here) -> CommandLine:
    """The command line with a home of its own. It needs neither a database nor a model."""
    cli = command_line(tmp_path / "home", "postgresql://127.0.0.1:1/none", tmp_path)
    (cli.home / "state").mkdir()
    (cli.home / "state" / "config.toml").write_text(
        '[policy]\nrequire_zdr = true\n[policy.actions]\nORG = "allow"\n[policy.labels.confidential]\nPERSON = "mask"\n'
    )
    return here(cli)


def test_show(cli: CommandLine) -> None:
    done = cli("policy", "show")
    assert (done.code, done.err) == (0, "")
    rows = [line.split() for line in done.out.splitlines()]
    assert ["type", "public", "internal", "confidential", "local-only"] in rows
    assert ["ORG", *("allow", "[2]") * 4] in rows
    assert ["PERSON", "pseudonymise", "pseudonymise", "mask", "[1]", "mask", "[1]"] in rows
    assert ["SECRET", *["mask"] * 4] in rows
    assert ["all", "others", *["pseudonymise"] * 4] in rows
    assert f"[1] {cli.home}/state/config.toml: policy.labels.confidential.PERSON" in done.out
    assert "budgets.confidential_document  40,000 characters" in done.out


def test_show_for_programs(cli: CommandLine) -> None:
    shown = cli("policy", "show", "--label", "Restricted", "--json").json
    assert shown["schema"] == "hybridrag.policy/1"
    assert list(shown["labels"]) == ["local-only"]
    assert {*TYPES, "*"} == set(shown["labels"]["local-only"])
    origin = f"{cli.home}/state/config.toml"
    assert shown["labels"]["local-only"]["PERSON"] == {
        "action": "mask",
        "origin": f"{origin}: policy.labels.confidential.PERSON",
    }
    assert shown["budgets"]["day"] == {"characters": None, "origin": "default"}
    assert shown["reduction"] == {"local-only": {"characters": 4_000, "origin": "default"}}
    assert shown["strict"] == {"local-only": {"value": True, "origin": "default"}}
    assert shown["require_zdr"] == {"value": True, "origin": f"{origin}: policy.require_zdr"}
    assert shown["require_ner"] == {"value": False, "origin": "default"}
    assert len(shown["fingerprint"]) == 64


def test_check(cli: CommandLine) -> None:
    (cli.home / "policy.toml").write_text(
        '[policy.actions]\nCARD = "block"\n[policy.labels.confidential]\nIBAN = "mask"\n'
    )
    done = cli("policy", "check", "policy.toml", "--ledger")
    assert done.code == 0, done.err
    assert "administrator's policy" in done.out
    changes = [line for line in done.out.splitlines() if line.startswith("stricter")]
    assert "stricter CARD: pseudonymise -> block" in changes
    assert "stricter IBAN under confidential, local-only: pseudonymise -> mask" in changes
    assert "no redacted request" in done.out

    checked = cli("policy", "check", "policy.toml", "--as", "user", "--json").json
    assert (checked["schema"], checked["place"], checked["past"]) == ("hybridrag.policy_check/1", "user", None)
    loosened = {change["what"] for change in checked["changes"] if not change["stricter"]}
    assert loosened == {"PERSON", "NAME", "require_zdr"}, "a suspected name may be a person's"
    assert (cli.home / "state" / "config.toml").read_text().startswith("[policy]\nrequire_zdr"), "nothing is installed"


def test_what_cannot_be_used_ends_with_3_and_a_wrong_word_with_2(cli: CommandLine) -> None:
    (cli.home / "hybridrag.toml").write_text("")
    new = cli.home / "new.toml"
    new.write_text('[policy]\nrequire_zdr = false\n[policy.actions]\nIP = "allow"\n')
    done = cli("policy", "check", "new.toml", "--as", "project", "--json")
    error = json.loads(done.err)
    assert (done.code, done.out, error["error"]) == (3, "", "ConfigError")
    assert "policy.actions.IP: allow is looser than the default" in error["message"]
    assert ["policy.require_zdr: false is looser than true" in line for line in error["shown"]] == [True]
    assert cli("policy", "check", "new.toml", "--as", "somebody").code == 2
    assert cli("policy", "show", "--label", "privat").code == 2
