"""The dry run of a policy: what a file would change in its place, and to requests of the past."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.config import Settings, load
from hybridrag.errors import ConfigError
from hybridrag.flows.policy import Change, Past, Place, check, effective, place_of
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination, Label

KEY = bytes(32)
CLOUD = Destination(provider="together", url="https://api.together.ai/v1", model="m", local=False)


def settings_of(root: Path, *, user: str = "", project: str = "") -> Settings:
    for name, text in (("home/config.toml", user), ("project/hybridrag.toml", project)):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return load(environ={"HYBRIDRAG_HOME": str(root / "home")}, cwd=root / "project")


def written(root: Path, text: str) -> Path:
    (root / "new.toml").write_text(text)
    return root / "new.toml"


def changes(settings: Settings, file: Path, place: Place) -> set[Change]:
    return set(check(settings, file, place, label=Label.INTERNAL, ledger=None, last=10).changes)


def test_where_a_file_belongs() -> None:
    assert place_of(Path("/x/hybridrag.toml")) == "project"
    assert place_of(Path("config.toml")) == "user"
    assert place_of(Path("policy.toml")) == "floor"


def test_what_would_change(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, user='[policy.actions]\nPERSON = "mask"\nORG = "allow"\n[policy.budgets]\nday = 500\n'
    )
    file = written(
        tmp_path,
        '[policy]\nrequire_ner = true\nstrict = ["internal"]\n[policy.labels.confidential]\nPERSON = "block"\n'
        "[policy.budgets]\nday = 900\n[policy.reduction]\npublic = 20000\n[ledger]\nkeep_payload = true\n",
    )
    less, more = (Label.PUBLIC, Label.INTERNAL), (Label.CONFIDENTIAL, Label.LOCAL_ONLY)
    assert changes(settings, file, "user") == {
        *(Change(type, label, "mask", "pseudonymise", False) for type in ("PERSON", "NAME") for label in less),
        *(Change(type, label, "mask", "block", True) for type in ("PERSON", "NAME") for label in more),
        *(Change("ORG", label, "allow", "pseudonymise", True) for label in Label),
        Change("budgets.day", None, "500 characters", "900 characters", False),
        Change("reduction", Label.PUBLIC, "12,000 characters", "20,000 characters", False),
        Change("strict", Label.INTERNAL, "no", "yes", True),
        Change("require_ner", None, "no", "yes", True),
        Change("keep_payload", None, "no", "yes", True),
    }


def test_a_floor_goes_below_everything_else(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, user='[policy.actions]\nPERSON = "mask"\n', project='[policy.actions]\nIP = "hash"\n'
    )
    file = written(tmp_path, '[policy.actions]\nPERSON = "hash"\n"*" = "hash"\n')
    found = changes(settings, file, "floor")
    assert {change.what for change in found}.isdisjoint({"PERSON", "IP"})
    assert Change("EMAIL", Label.PUBLIC, "pseudonymise", "hash", True) in found
    assert Change("*", Label.PUBLIC, "pseudonymise", "hash", True) in found


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (
            "project",
            '[policy.actions]\nPERSON = "hash"\n',
            r"new.toml: policy.actions.PERSON: hash is looser than mask, as",
        ),
        ("project", 'provider = "together"\n', "a project file may not set provider"),
        (
            "floor",
            '[policy.actions]\nPERSON = "block"\n',
            r"config.toml: policy.actions.PERSON: mask is looser than block",
        ),
        ("floor", 'provider = "together"\n', "unknown key provider"),
        ("floor", "[policy\n", "not valid TOML"),
        ("user", '[policy.actions]\nPERSN = "block"\n', "nothing here reports the type PERSN"),
        ("user", "colection = 'a'\n", "unknown setting colection"),
    ],
)
def test_what_could_not_be_used(tmp_path: Path, place: Place, text: str, message: str) -> None:
    settings = settings_of(tmp_path, user='[policy.actions]\nPERSON = "mask"\n')
    with pytest.raises(ConfigError, match=message):
        changes(settings, written(tmp_path, text), place)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, user='[policy.actions]\nPERSON = "mask"\nIP = "mask"\n')
    file = written(tmp_path, '[policy.actions]\nPERSON = "hash"\nIP = "allow"\n')
    with pytest.raises(ConfigError, match="PERSON") as caught:
        changes(settings, file, "project")
    assert ["IP" in line for line in caught.value.shown] == [True]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for place in ("floor", "user", "project"):
        with pytest.raises(ConfigError, match="cannot be read"):
            changes(settings_of(tmp_path), tmp_path / "none.toml", place)


def test_the_same_file_changes_nothing(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path, user='[policy.actions]\nCUSTOMER = "mask"\n[privacy.dictionaries]\nCUSTOMER = "c"\n'
    )
    checked = check(settings, settings.paths.user_file, "user", label=Label.PUBLIC, ledger=None, last=1)
    assert checked.changes == ()
    assert checked.fingerprint == effective(settings).policy.fingerprint


def test_what_it_would_have_done_to_past_requests(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = FileLedger(path, key=KEY)
    for entities in ({"CARD": 1}, {"PERSON": 2, "CARD": 1}, {"PERSON": 1, "ORG": 1}, {"ORG": 1}, {"IP": 3}, {}):
        entry = ledger.intent(CLOUD, b"{}", {"entities": entities, "plain": False})
        ledger.outcome(entry, "sent", {})
    ledger.intent(CLOUD, b"{}", {"entities": {"CARD": 1}, "plain": True})
    ledger.intent(CLOUD, b"{}", {"purpose": "embedding"})
    settings = settings_of(tmp_path, user='[policy.actions]\nORG = "mask"\n')
    file = written(tmp_path, '[policy.actions]\nPERSON = "mask"\n[policy.labels.internal]\nCARD = "block"\n')

    def past(label: Label, last: int) -> Past | None:
        return check(settings, file, "user", label=label, ledger=path, last=last).past

    assert past(Label.INTERNAL, 100) == Past(
        6, blocked=2, tightened=1, loosened=1, types={"CARD": 2, "ORG": 2, "PERSON": 2}
    )
    assert past(Label.PUBLIC, 100) == Past(6, blocked=0, tightened=2, loosened=1, types={"ORG": 2, "PERSON": 2})
    assert past(Label.INTERNAL, 3) == Past(3, blocked=0, tightened=0, loosened=1, types={"ORG": 1})
    nothing = check(settings, file, "user", label=Label.INTERNAL, ledger=tmp_path / "none", last=5).past
    assert nothing == Past(0, blocked=0, tightened=0, loosened=0, types={})
