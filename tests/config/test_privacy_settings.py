"""The settings of privacy: which layer may say what, and where the files they name lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import Settings, load, read_settings_file
from hybridrag.errors import ConfigError


class Place:
    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = root / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.user_file = self.home / "config.toml"
        self.project_file = self.project / "hybridrag.toml"

    def load(self, *, env: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
        return load(flags=flags, environ={"HYBRIDRAG_HOME": str(self.home), **(env or {})}, cwd=self.project)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_a_users_file_may_say(place: Place) -> None:
    place.user_file.write_text("""
        [privacy]
        deny = ["Project Kranich, phase 2", "Nachtigall"]
        deny_patterns = "KR-[0-9]{4}"
        allow = ["Acme GmbH"]
        detectors = ["medical"]
        names_model = "models/names"
        [privacy.dictionaries]
        CUSTOMER = "customers.txt"
        STAFF = ["/srv/staff.txt", "more.txt"]
        [ledger]
        keep_payload = true
        retention_days = 365
        [providers.together]
        zdr = true
    """)
    settings = place.load()
    assert settings.privacy_deny == ("Project Kranich, phase 2", "Nachtigall")
    assert settings.privacy_deny_patterns == ("KR-[0-9]{4}",)
    assert settings.privacy_allow == ("Acme GmbH",)
    assert settings.privacy_detectors == ("medical",)
    assert settings.privacy_names_model == str(place.home / "models/names")
    assert settings.privacy_dictionaries == {
        "CUSTOMER": (str(place.home / "customers.txt"),),
        "STAFF": ("/srv/staff.txt", str(place.home / "more.txt")),
    }
    assert (settings.ledger_keep_payload, settings.ledger_retention_days) == (True, 365)
    assert settings.providers["together"].zdr is True
    assert settings.origins["privacy_deny"] == str(place.user_file)


def test_a_names_model_may_say_what_opens_it(place: Place) -> None:
    for said, meant in (
        ("gliner:models/names", f"gliner:{place.home}/models/names"),
        ("my-ner:/srv/model", "my-ner:/srv/model"),
        ("/srv/a:b", "/srv/a:b"),
    ):
        place.user_file.write_text(f'[privacy]\nnames_model = "{said}"\n')
        assert place.load().privacy_names_model == meant


def test_a_text_is_one_entry_of_a_list(place: Place) -> None:
    place.user_file.write_text('[privacy]\ndeny = "Müller, Söhne & Co"\n')
    assert place.load().privacy_deny == ("Müller, Söhne & Co",)


def test_a_project_adds_to_what_is_protected(place: Place) -> None:
    place.user_file.write_text('[privacy]\ndeny = ["A"]\n[privacy.dictionaries]\nCUSTOMER = "a.txt"\nSTAFF = "s.txt"\n')
    place.project_file.write_text(
        '[privacy]\ndeny = ["B"]\ndeny_patterns = ["B+"]\n'
        '[privacy.dictionaries]\nCUSTOMER = "lists/b.txt"\nPART = "p.txt"\n'
    )
    settings = place.load()
    assert settings.privacy_deny == ("A", "B")
    assert settings.privacy_deny_patterns == ("B+",)
    assert settings.privacy_dictionaries == {
        "CUSTOMER": (str(place.home / "a.txt"), str(place.project / "lists/b.txt")),
        "STAFF": (str(place.home / "s.txt"),),
        "PART": (str(place.project / "p.txt"),),
    }
    assert settings.origins["privacy_deny"] == f"{place.user_file}, {place.project_file}"


@pytest.mark.parametrize(
    "text",
    [
        "[privacy]\nallow = ['x']",
        "[privacy]\ndetectors = ['x']",
        "[privacy]\nnames_model = 'x'",
        "[ledger]\nkeep_payload = true",
        "[ledger]\nretention_days = 1",
        "[providers.together]\nzdr = true",
    ],
)
def test_what_a_project_may_not_say(place: Place, text: str) -> None:
    place.project_file.write_text(text)
    with pytest.raises(ConfigError, match="a project file may not set"):
        place.load()


@pytest.mark.parametrize("file", ["/etc/passwd", "../x.txt", "a/../../x.txt", "~/x.txt", "out/x.txt", "loop/x.txt"])
def test_a_project_reads_no_file_outside_its_folder(place: Place, tmp_path: Path, file: str) -> None:
    (place.project / "out").symlink_to(tmp_path)
    (place.project / "loop").symlink_to("../project/../home")
    place.project_file.write_text(f'[privacy.dictionaries]\nX = ["in.txt", "{file}"]\n')
    with pytest.raises(ConfigError, match="only name files in its own folder"):
        place.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[privacy]\ndeny = 3", "privacy_deny: must be a list of texts"),
        ("[privacy]\ndeny = ['']", "privacy_deny: must be a non-empty text"),
        ("[privacy]\ndenny = ['x']", "unknown setting privacy_denny"),
        ("[privacy]\ndictionaries = 'x'", "privacy_dictionaries: must be a table"),
        ("[privacy.dictionaries]\ncustomer = 'x'", "'customer' is no type"),
        ("[privacy.dictionaries]\nCUSTOMER = 3", "must be a list of texts"),
        ('[privacy.dictionaries]\nCUSTOMER = "a\\u0000b"', "NUL"),
        ("[privacy.dictionaries]\nX = '~nobody-of-that-name/x'", "no such home folder"),
        ("[ledger]\nkeep_payload = 'perhaps'", "neither true nor false"),
        ("[ledger]\nretention_days = -1", "number of days"),
        ("[ledger]\nretention_days = true", "number of days"),
        ("policy = 3", "policy: must be a table"),
        ("[providers.x]\nzdr = 'true'", "providers.x.zdr: must be true or false"),
        (f"a = {'9' * 50_000}", "not valid TOML"),
        (f"a = {'[' * 50_000}", "not valid TOML"),
    ],
)
def test_what_cannot_be_used(place: Place, text: str, message: str) -> None:
    place.user_file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        place.load()
    place.user_file.unlink()
    if "providers" not in text and "ledger" not in text and "names" not in text and "~" not in text:
        place.project_file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            place.load()


def test_the_policy_of_each_layer_is_kept_apart(place: Place) -> None:
    place.user_file.write_text("[policy.actions]\nPERSON = 'mask'\n")
    place.project_file.write_text("[policy]\nrequire_ner = true\n")
    settings = place.load(env={"HYBRIDRAG_POLICY_REQUIRE_ZDR": "1"}, flags={"policy": {"require_ner": True}})
    assert list(settings.policy.items()) == [
        (str(place.user_file), {"actions": {"PERSON": "mask"}}),
        (str(place.project_file), {"require_ner": True}),
        ("environment", {"require_zdr": True}),
        ("flag", {"require_ner": True}),
    ]


@pytest.mark.parametrize(
    "variable",
    ["HYBRIDRAG_POLICY", "HYBRIDRAG_PRIVACY_ALLOW", "HYBRIDRAG_PRIVACY_DENY", "HYBRIDRAG_LEDGER_KEEP_PAYLOAD"],
)
def test_the_environment_says_no_more_than_two_switches(place: Place, variable: str) -> None:
    with pytest.raises(ConfigError, match="unknown setting"):
        place.load(env={variable: "x"})
    with pytest.raises(ConfigError, match="HYBRIDRAG_POLICY_REQUIRE_ZDR: 'x' is neither"):
        place.load(env={"HYBRIDRAG_POLICY_REQUIRE_ZDR": "x"})


def test_one_file_by_itself(place: Place) -> None:
    file = place.home / "new.toml"
    file.write_text('device = "cpu"\n[policy]\nrequire_zdr = true\n[privacy.dictionaries]\nX = "x.txt"\n')
    values = read_settings_file(file, project=False)
    assert values["device"] == "cpu"
    assert values["policy"] == {"require_zdr": True}
    assert values["privacy_dictionaries"] == {"X": (str(place.home / "x.txt"),)}
    with pytest.raises(ConfigError, match="a project file may not set device"):
        read_settings_file(file, project=True)
