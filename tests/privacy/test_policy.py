"""Policy: what each layer may say, what holds when all have spoken, and what happens when one cannot be understood."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.config import Settings, load
from hybridrag.errors import BlockedByPolicy, ConfigError, HybridragError
from hybridrag.privacy.policy import ACTIONS, EVERY, TYPES, Budgets, Policy, Reduction, default, retention_problem
from hybridrag.privacy.policy_file import Layer, read_floor, read_tables
from hybridrag.privacy.policy_layers import compose, layers_of, load_policy
from hybridrag.types import Action, Label

NAMED = ("PERSON", "ORG", "NAME", "EMAIL", "SECRET", "CUSTOMER")
OTHERS = (*NAMED, "PLACE", "PHONE", "UNHEARDOF")


class Place:
    """A home, a project and an administrator's folder, and the policy that they make."""

    def __init__(self, root: Path) -> None:
        self.user = root / "home" / "config.toml"
        self.project = root / "project" / "hybridrag.toml"
        self.floor = root / "etc" / "policy.toml"
        for file in (self.user, self.project, self.floor):
            file.parent.mkdir()
            file.parent.chmod(0o755)

    def write_floor(self, text: str) -> None:
        self.floor.write_text(text)
        self.floor.chmod(0o644)

    def settings(self, *, env: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
        environ = {"HYBRIDRAG_HOME": str(self.user.parent), **(env or {})}
        return load(flags=flags, environ=environ, cwd=self.project.parent)

    def policy(self, **said: Any) -> Policy:
        return load_policy(self.settings(**said), floor=self.floor, owner=os.getuid())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# --- what holds without a file ---------------------------------------------------------------------------------------


def test_the_default(place: Place) -> None:
    policy = place.policy()
    for label in Label:
        for type in (*TYPES, "UNHEARDOF"):
            assert policy.action(type, label) == ("mask" if type == "SECRET" else "pseudonymise")
    assert [policy.strict(label) for label in Label] == [False, False, True, True]
    assert [policy.reduction(label) for label in Label] == [Reduction(n) for n in (12_000, 12_000, 4_000, 4_000)]
    assert policy.budgets == Budgets(document=None, confidential_document=40_000, day=None)
    assert (policy.require_zdr, policy.require_ner, policy.keep_payload) == (False, False, False)
    assert policy.fingerprint == Policy().fingerprint


def test_an_unknown_label_blocks() -> None:
    policy = Policy(actions={EVERY: "allow"})
    assert policy.action("PERSON", "privat") == "block"
    assert policy.action("PERSON", "") == "block"
    assert policy.strict("privat")
    assert policy.reduction("privat") == policy.reduction(Label.LOCAL_ONLY)
    assert policy.budgets.of("privat") == policy.budgets.of(Label.LOCAL_ONLY)


def test_other_words_for_local_only() -> None:
    policy = Policy(labels={Label.LOCAL_ONLY: {"PERSON": "block"}})
    assert {policy.action("PERSON", word) for word in ("restricted", "Secret", "LOCAL_ONLY", "local-only")} == {"block"}


def test_budgets_of_a_document() -> None:
    budgets = Budgets(document=20_000, confidential_document=4_000)
    assert [budgets.of(label) for label in Label] == [20_000, 20_000, 4_000, 4_000]
    assert Budgets(document=1_000, confidential_document=4_000).of(Label.CONFIDENTIAL) == 1_000
    assert Budgets(confidential_document=None).of(Label.CONFIDENTIAL) is None


# --- one file --------------------------------------------------------------------------------------------------------


def test_what_a_users_file_can_say(place: Place) -> None:
    place.user.write_text("""
        [policy]
        require_zdr = true
        require_ner = true
        strict = ["internal"]
        types = ["STAFF"]
        [policy.actions]
        PLACE = "allow"
        STAFF = "hash"
        [policy.labels.confidential]
        PERSON = "mask"
        [policy.labels.secret]
        "*" = "block"
        [policy.budgets]
        document = 20000
        confidential_document = 4000
        day = 500000
        [policy.reduction]
        public = 50000
        confidential = 2000
        [ledger]
        keep_payload = true
    """)
    policy = place.policy()
    assert [policy.action("PERSON", label) for label in Label] == ["pseudonymise", "pseudonymise", "mask", "block"]
    assert [policy.action("PLACE", label) for label in Label] == ["allow", "allow", "allow", "block"]
    assert [policy.action("STAFF", label) for label in Label] == ["hash", "hash", "hash", "block"]
    assert [policy.strict(label) for label in Label] == [False, True, True, True]
    assert [policy.reduction(label).characters for label in Label] == [50_000, 12_000, 2_000, 2_000]
    assert policy.budgets == Budgets(document=20_000, confidential_document=4_000, day=500_000)
    assert policy.require_zdr and policy.require_ner and policy.keep_payload


def test_everything_at_once(place: Place) -> None:
    place.user.write_text('[policy.actions]\n"*" = "allow"\nEMAIL = "mask"\n')
    policy = place.policy()
    assert (policy.action("PHONE", Label.INTERNAL), policy.action("EMAIL", Label.INTERNAL)) == ("allow", "mask")
    assert policy.action("SECRET", Label.PUBLIC) == "mask", "the star never lets a secret out"


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("[policy.actions]\nPERSON = 'mask'", ["mask"] * 4),
        ("[policy.actions]\nPLACE = 'hash'\n[policy.labels.confidential]\nORG = 'block'", ["hash"] * 2 + ["block"] * 2),
        ("[policy.actions]\nPERSON = 'allow'\nORG = 'allow'\nPLACE = 'allow'", ["pseudonymise"] * 4),
        ("[policy.actions]\n'*' = 'allow'\nPERSON = 'pseudonymise'", ["pseudonymise"] * 4),
        ("[policy.actions]\nPERSON = 'mask'\nNAME = 'allow'", ["allow"] * 4),
        (
            "[policy.actions]\nNAME = 'allow'\n[policy.labels.confidential]\nPERSON = 'mask'",
            ["allow", "allow", "mask", "mask"],
        ),
    ],
)
def test_a_suspected_name_is_treated_as_what_it_may_be(place: Place, text: str, done: list[Action]) -> None:
    place.user.write_text(text)
    assert [place.policy().action("NAME", label) for label in Label] == done
    said = tomllib.loads(text)["policy"]
    by_hand = Policy(
        actions=said["actions"], labels={Label(label): table for label, table in said.get("labels", {}).items()}
    )
    assert [by_hand.action("NAME", label) for label in Label] == done


def test_what_a_suspected_name_may_be_is_told_as_its_origin(place: Place) -> None:
    place.write_floor("[policy.actions]\nPERSON = 'mask'\n")
    layers = layers_of(place.settings(), floor=place.floor, owner=os.getuid())
    cell = compose(layers).cells[Label.INTERNAL]["NAME"]
    assert (cell.action, str(cell.said)) == ("mask", f"{place.floor}: policy.actions.PERSON")
    place.user.write_text("[policy.actions]\nNAME = 'hash'\n")
    with pytest.raises(ConfigError, match=r"policy.actions.NAME: hash is looser than mask, as .*policy.actions.PERSON"):
        place.policy()


BROKEN = [
    ("policy = 3", "policy: must be a table"),
    ("[policy]\nrequire_zdrr = true", "unknown key policy.require_zdrr"),
    ("[policy]\nrequire_zdr = 'true'", "policy.require_zdr: must be true or false"),
    ("[policy]\nPERSON = 'mask'", "unknown key policy.PERSON"),
    ("[policy]\nactions = 'mask'", "policy.actions: must be a table"),
    ("[policy.actions]\nPERSON = 'redact'", "policy.actions.PERSON: 'redact' is none of allow, pseudonymise"),
    ("[policy.actions]\nPERSON = 1", "policy.actions.PERSON: 1 is none of"),
    ("[policy.actions]\nperson = 'mask'", "policy.actions.person: 'person' is no type"),
    ("[policy.actions]\n'E*' = 'mask'", "'E\\*' is no type"),
    ("[policy.actions]\nPERSN = 'mask'", "nothing here reports the type PERSN"),
    ("[policy.actions]\nSECRET = 'hash'", "a secret may only be mask or block, not hash"),
    ("[policy.labels.public]\nSECRET = 'allow'", "a secret may only be mask or block, not allow"),
    ("[policy.labels.privat]\nPERSON = 'mask'", "policy.labels.privat: 'privat' is none of public, internal"),
    ("[policy]\nstrict = ['privat']", "policy.strict: 'privat' is none of"),
    ("[policy]\nstrict = 'internal'", "policy.strict: must be a list"),
    ("[policy]\ntypes = ['long_name']", "'long_name' is no type"),
    ("[policy.budgets]\nweek = 1", "unknown key policy.budgets.week"),
    ("[policy.budgets]\nday = 0", "policy.budgets.day: must be a number of characters above 0"),
    ("[policy.budgets]\nday = true", "policy.budgets.day: must be a number"),
    ("[policy.budgets]\nday = 1.5", "policy.budgets.day: must be a number"),
    ("[policy.reduction]\nprivat = 1", "policy.reduction.privat: 'privat' is none of"),
    ("[policy.reduction]\nsecret = 9\nlocal-only = 8", "says again what policy.reduction.secret says"),
    (
        "[policy.actions]\nPERSON = 'mask'\n[policy.labels.public]\nPERSON = 'hash'",
        "has no effect, since policy.actions",
    ),
    ("[policy.labels.internal]\nPERSON = 'allow'", "looser than what holds for a less strict label by default"),
    (
        "[policy.labels.public]\nIP = 'mask'\n[policy.labels.internal]\nIP = 'hash'",
        "has no effect, since policy.labels.pub",
    ),
    ("[policy.reduction]\nconfidential = 20000", "looser than what holds for a less strict label by default, 12,000"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_is_not_understood_or_cannot_hold(place: Place, text: str, message: str) -> None:
    place.user.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        place.policy()
    assert str(place.user) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_the_same_in_the_administrators_file_blocks(place: Place, text: str, message: str) -> None:
    place.write_floor(text)
    with pytest.raises(BlockedByPolicy, match=message) as caught:
        place.policy()
    assert str(place.floor) in caught.value.message
    assert caught.value.hint


def test_a_type_of_the_users_own(place: Place) -> None:
    place.user.write_text('[policy.actions]\nCUSTOMER = "mask"\n[privacy.dictionaries]\nCUSTOMER = "customers.txt"\n')
    assert place.policy().action("CUSTOMER", Label.PUBLIC) == "mask"


def test_the_documented_files_can_be_used(place: Place) -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    policy, public, rest = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    place.write_floor(policy)
    place.user.write_text(rest)
    assert place.policy().action("IBAN", Label.CONFIDENTIAL) == "block"
    place.floor.unlink()
    place.user.write_text(public)
    assert [place.policy().action("ORG", label) for label in Label] == ["allow", *["pseudonymise"] * 3]
    place.user.write_text(policy)
    assert place.policy().reduction(Label.CONFIDENTIAL).characters == 2_000


# --- several ---------------------------------------------------------------------------------------------------------


def test_each_layer_tightens(place: Place) -> None:
    place.write_floor('[policy]\nrequire_zdr = true\n[policy.actions]\nPERSON = "hash"\n[policy.budgets]\nday = 9000\n')
    place.user.write_text('[policy.actions]\nPERSON = "mask"\nORG = "allow"\n[policy.budgets]\nday = 8000\n')
    place.project.write_text('[policy.actions]\nORG = "pseudonymise"\n[policy.labels.confidential]\nPERSON = "block"\n')
    policy = place.policy(env={"HYBRIDRAG_POLICY_REQUIRE_NER": "yes"}, flags={"policy": {"strict": ["public"]}})
    assert [policy.action("PERSON", label) for label in Label] == ["mask", "mask", "block", "block"]
    assert policy.action("ORG", Label.PUBLIC) == "pseudonymise"
    assert (policy.budgets.day, policy.require_zdr, policy.require_ner) == (8_000, True, True)
    assert policy.strict(Label.PUBLIC)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("[policy.actions]\nPERSON = 'mask'", "[policy.actions]\nPERSON = 'hash'", "policy.actions.PERSON"),
        ("[policy.actions]\n'*' = 'mask'", "[policy.actions]\nPERSON = 'hash'", "policy.actions.PERSON"),
        ("[policy.actions]\n'*' = 'mask'", "[policy.actions]\n'*' = 'hash'", "policy.actions.\\*"),
        ("[policy.actions]\nIP = 'mask'", "[policy.labels.local-only]\nIP = 'hash'", "policy.labels.local-only.IP"),
        ("[policy.labels.public]\nIP = 'mask'", "[policy.actions]\nIP = 'hash'", "policy.actions.IP"),
        ("[policy]\nrequire_zdr = true", "[policy]\nrequire_zdr = false", "policy.require_zdr"),
        ("[policy]\nrequire_ner = true", "[policy]\nrequire_ner = false", "policy.require_ner"),
        ("[policy.budgets]\nday = 10", "[policy.budgets]\nday = 11", "policy.budgets.day"),
        ("[policy.reduction]\npublic = 10", "[policy.reduction]\ninternal = 11", "policy.reduction.internal"),
    ],
)
def test_a_layer_that_loosens_names_both_places(place: Place, before: str, after: str, key: str) -> None:
    place.write_floor(before)
    for file in (place.user, place.project):
        file.write_text(after)
        with pytest.raises(ConfigError, match=key) as caught:
            place.policy()
        assert caught.value.message.startswith(f"{file}: policy.")
        assert str(place.floor) in caught.value.message
        file.unlink()


def test_the_floor_may_require_that_payloads_are_kept(place: Place) -> None:
    place.write_floor("[ledger]\nkeep_payload = true\n")
    assert place.policy().keep_payload
    place.user.write_text("[ledger]\nkeep_payload = false\n")
    with pytest.raises(ConfigError, match=r"ledger.keep_payload: false is looser than true, as .*policy.toml: ledger"):
        place.policy()


@pytest.mark.parametrize(
    "text",
    [
        "[policy.actions]\nPERSON = 'allow'",
        "[policy.actions]\n'*' = 'allow'",
        "[policy.labels.public]\nPERSON = 'allow'",
        "[policy.budgets]\nconfidential_document = 50000",
        "[policy.reduction]\npublic = 12001",
    ],
)
def test_only_trusted_files_may_be_looser_than_the_default(place: Place, text: str) -> None:
    place.project.write_text(text)
    with pytest.raises(ConfigError, match="looser than the default") as caught:
        place.policy()
    assert str(place.project) in caught.value.message
    place.project.unlink()
    place.user.write_text(text)
    assert place.policy() != Policy()


def test_flags_and_environment_may_not_loosen_either(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"flag: policy.actions.PERSON: allow is looser than the default"):
        place.policy(flags={"policy": {"actions": {"PERSON": "allow"}}})
    place.user.write_text("[policy]\nrequire_zdr = true\n")
    with pytest.raises(ConfigError, match=r"environment: policy.require_zdr: false is looser than true"):
        place.policy(env={"HYBRIDRAG_POLICY_REQUIRE_ZDR": "false"})


# --- properties of every stack ---------------------------------------------------------------------------------------

_actions = st.dictionaries(st.sampled_from([*NAMED, EVERY]), st.sampled_from(ACTIONS), max_size=4).map(
    lambda table: {type: a for type, a in table.items() if type != "SECRET" or a in {"mask", "block"}}
)
_labels = st.sampled_from([label.value for label in Label])
_characters = st.integers(1, 50_000)
_tables = st.fixed_dictionaries(
    {},
    optional={
        "actions": _actions,
        "labels": st.dictionaries(_labels, _actions, max_size=3),
        "strict": st.lists(_labels, max_size=2),
        "require_zdr": st.booleans(),
        "budgets": st.dictionaries(st.sampled_from(["document", "confidential_document", "day"]), _characters),
        "reduction": st.dictionaries(_labels, _characters),
    },
)


def _stack(trusted: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[Layer]:
    layers = [
        read_tables({**table, "types": ["CUSTOMER"]}, origin=f"own {n}", trusted=True)
        for n, table in enumerate(trusted)
    ]
    return layers + [read_tables(table, origin=f"other {n}", trusted=False) for n, table in enumerate(others)]


_stacks = st.builds(_stack, st.lists(_tables, min_size=1, max_size=2), st.lists(_tables, max_size=2))


def _strictness(action: Action) -> int:
    return ACTIONS.index(action)


def _held(layers: list[Layer]) -> Policy:
    """What the layers make, also where `load_policy` would refuse them."""
    return replace(compose(layers), problems=()).policy


@given(_stacks)
def test_nothing_that_is_said_is_undercut(layers: list[Layer]) -> None:
    policy = _held(layers)
    for type in OTHERS:
        for label in Label:
            done = _strictness(policy.action(type, label))
            for layer in layers:
                assert all(done >= _strictness(rule.action) for rule in layer.about(type, label))
    for layer in layers:
        assert all(policy.strict(label) for label in layer.strict)
        assert policy.require_zdr >= layer.switches.get("require_zdr", False)
        for key, characters in layer.bounds.items():
            table, _, name = key.partition(".")
            holds = getattr(policy.budgets, name) if table == "budgets" else policy.reduction(name).characters
            assert holds <= characters


@given(_stacks)
def test_a_label_is_never_treated_looser_than_a_less_strict_one(layers: list[Layer]) -> None:
    policy = _held(layers)
    for less, more in zip(list(Label), list(Label)[1:], strict=False):
        for type in OTHERS:
            assert _strictness(policy.action(type, less)) <= _strictness(policy.action(type, more))
        assert policy.strict(less) <= policy.strict(more)
        assert policy.reduction(less).characters >= policy.reduction(more).characters
        assert (policy.budgets.of(less) or 10**9) >= (policy.budgets.of(more) or 10**9)


@given(_stacks)
def test_a_secret_is_masked_or_blocked(layers: list[Layer]) -> None:
    policy = _held(layers)
    assert {policy.action("SECRET", label) for label in Label} <= {"mask", "block"}


@given(_stacks, _tables)
def test_a_project_or_a_flag_never_loosens_anything(layers: list[Layer], table: dict[str, Any]) -> None:
    before = _held(layers)
    after = _held([*layers, read_tables(table, origin="more", trusted=False)])
    for label in Label:
        for type in OTHERS:
            assert _strictness(before.action(type, label)) <= _strictness(after.action(type, label))
        assert before.strict(label) <= after.strict(label)
        assert before.reduction(label).characters >= after.reduction(label).characters


@given(_stacks)
def test_layers_without_a_problem_get_what_they_say(layers: list[Layer]) -> None:
    if not compose(layers).problems:
        for count, layer in enumerate(layers, start=1):
            policy = _held(layers[:count])
            for rule in layer.rules:
                assert policy.action(rule.type, rule.label or Label.PUBLIC) == rule.action


@given(_stacks, _tables, st.booleans())
def test_what_says_less_than_before_is_a_problem(layers: list[Layer], table: dict[str, Any], trusted: bool) -> None:
    more = read_tables(table, origin="more", trusted=trusted)
    composed = compose([*layers, more])
    told = {str(problem.message).partition(": policy.")[0] for problem in composed.problems}
    for rule in more.rules:
        earlier = [said for layer in layers for said in layer.about(rule.type, rule.label or Label.PUBLIC)]
        if any(_strictness(rule.action) < _strictness(said.action) for said in earlier):
            assert "more" in told
        if not trusted and not earlier and _strictness(rule.action) < _strictness(default(rule.type)):
            assert "more" in told


# --- the fingerprint -------------------------------------------------------------------------------------------------


def _decisions(policy: Policy) -> tuple[Any, ...]:
    return (
        [policy.action(type, label) for type in OTHERS for label in Label],
        [(policy.strict(label), policy.reduction(label)) for label in Label],
        (policy.budgets, policy.require_zdr, policy.require_ner, policy.keep_payload),
    )


_small = st.dictionaries(
    st.sampled_from(["PERSON", "NAME", "SECRET", EVERY]), st.sampled_from(["pseudonymise", "mask"])
)
_policies = st.builds(
    Policy,
    actions=_small,
    labels=st.dictionaries(st.sampled_from(Label), _small, max_size=2),
    budgets=st.builds(Budgets, day=st.sampled_from([None, 5])),
    suspects=st.frozensets(st.sampled_from(Label)),
    require_zdr=st.booleans(),
)


@given(_policies, _policies)
def test_the_fingerprint_is_the_same_where_the_decisions_are(one: Policy, other: Policy) -> None:
    assert (one.fingerprint == other.fingerprint) == (_decisions(one) == _decisions(other))


@given(_policies, st.sampled_from(ACTIONS))
def test_a_policy_made_by_hand_holds_the_same_promises(policy: Policy, secret: Action) -> None:
    policy = replace(policy, actions={**policy.actions, "SECRET": secret, "PERSON": "hash"})
    assert {policy.action("SECRET", label) for label in Label} <= {"mask", "block"}
    for less, more in zip(list(Label), list(Label)[1:], strict=False):
        assert _strictness(policy.action("PERSON", less)) <= _strictness(policy.action("PERSON", more))


def test_the_fingerprint_sees_everything() -> None:
    policies = [
        Policy(),
        Policy(actions={"PERSON": "mask"}),
        Policy(labels={Label.CONFIDENTIAL: {"PERSON": "mask"}}),
        Policy(budgets=Budgets(day=1)),
        Policy(budgets=Budgets(document=1)),
        Policy(budgets=Budgets(confidential_document=1)),
        Policy(characters={Label.PUBLIC: 1}),
        Policy(suspects=frozenset({Label.INTERNAL})),
        Policy(require_zdr=True),
        Policy(require_ner=True),
        Policy(keep_payload=True),
    ]
    assert len({policy.fingerprint for policy in policies}) == len(policies)
    assert all(len(policy.fingerprint) == 64 for policy in policies)
    written = Policy(labels={label: {"PERSON": "mask", "PHONE": "pseudonymise"} for label in Label})
    assert written.fingerprint == Policy(actions={"PERSON": "mask"}).fingerprint


# --- the administrator's file ----------------------------------------------------------------------------------------


def test_no_floor_is_no_fault(place: Place) -> None:
    assert read_floor(place.floor) is None
    place.floor.parent.rmdir()
    assert read_floor(place.floor) is None


def test_the_floor_must_belong_to_root(place: Place) -> None:
    place.write_floor("[policy]\nrequire_zdr = true\n")
    if os.getuid() == 0:
        os.chown(place.floor, 65_534, -1)
    with pytest.raises(BlockedByPolicy, match="does not belong to root"):
        load_policy(place.settings(), floor=place.floor)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_nobody_else_may_change_the_floor(place: Place, mode: int) -> None:
    place.write_floor("")
    place.floor.chmod(mode)
    with pytest.raises(BlockedByPolicy, match=f"can be changed by other users \\(mode {mode:04o}\\)") as caught:
        place.policy()
    assert "chmod go-w" in caught.value.hint


def test_nobody_else_may_replace_the_floor(place: Place, tmp_path: Path) -> None:
    place.write_floor("[policy]\nrequire_zdr = true\n")
    place.floor.parent.chmod(0o777)
    with pytest.raises(BlockedByPolicy, match="can be changed by other users"):
        place.policy()
    place.floor.parent.chmod(0o755)
    assert place.policy().require_zdr
    link = tmp_path / "link"
    link.mkdir(mode=0o755)
    (link / "policy.toml").symlink_to(place.floor)
    assert load_policy(place.settings(), floor=link / "policy.toml", owner=os.getuid()).require_zdr
    place.floor.parent.chmod(0o777)
    with pytest.raises(BlockedByPolicy, match="can be changed by other users"):
        load_policy(place.settings(), floor=link / "policy.toml", owner=os.getuid())


def _folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)


def _pipe(path: Path) -> None:
    os.mkfifo(path, 0o644)
    path.chmod(0o644)


@pytest.mark.parametrize(
    "make",
    [
        _folder,
        _pipe,
        lambda path: path.symlink_to("nothing"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.write_bytes(b"[policy]\nx = '\xff'"),
        lambda path: path.write_text("[policy\n"),
        lambda path: path.write_text("require_zdr = true\n"),
        lambda path: path.write_text("[database]\nurl = 'postgresql://h/d'\n"),
        lambda path: path.write_text("[ledger]\nretention_days = 3\n"),
        lambda path: path.write_text("[ledger]\nkeep_payload = 'yes'\n"),
        lambda path: path.write_text("ledger = 3\n"),
        lambda path: path.write_text("#" * 1_000_001),
        lambda path: path.write_text("a = " + "[" * 50_000),
        lambda path: path.write_text("a = " + "9" * 50_000),
    ],
)
def test_a_floor_that_cannot_be_read_blocks(place: Place, make: Callable[[Path], Any]) -> None:
    make(place.floor)
    if place.floor.is_file():
        place.floor.chmod(0o644)
    with pytest.raises(BlockedByPolicy) as caught:
        place.policy()
    assert str(place.floor) in caught.value.message
    assert caught.value.hint


def test_a_floor_under_a_file_blocks(place: Place) -> None:
    place.write_floor("")
    with pytest.raises(BlockedByPolicy, match="cannot be read"):
        load_policy(place.settings(), floor=place.floor / "policy.toml")


def test_whatever_breaks_blocks(place: Place) -> None:
    class Odd(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("document text")

    odd = replace(place.settings(), policy={"a": {"actions": Odd()}})
    with pytest.raises(BlockedByPolicy, match="RuntimeError") as caught:
        load_policy(odd, floor=place.floor)
    assert "document text" not in caught.value.message


@given(st.binary(max_size=200))
def test_no_content_of_the_floor_is_passed_over(content: bytes) -> None:
    """Whatever stands there is understood, or blocks."""
    from hybridrag.privacy.policy_file import parse_floor

    try:
        layer = parse_floor(content, origin="floor")
    except HybridragError:
        return
    assert isinstance(layer, Layer)


# --- retention -------------------------------------------------------------------------------------------------------


def test_a_provider_that_may_keep_requests() -> None:
    strict = Policy(require_zdr=True)
    facts: dict[str, Any] = {"provider": "acme", "stated": "nothing is known of it"}
    problem = retention_problem(strict, local=False, zero_retention=False, **facts)
    assert problem is not None
    assert "acme" in problem
    assert "nothing is known of it" in problem
    assert retention_problem(strict, local=False, zero_retention=True, **facts) is None
    assert retention_problem(strict, local=True, zero_retention=False, **facts) is None
    assert retention_problem(Policy(), local=False, zero_retention=False, **facts) is None
