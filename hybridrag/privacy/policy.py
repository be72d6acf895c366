"""What is done with a value of each type under each label, and how much may leave.

Everything is decided here already: `policy_layers` makes a policy of what the files say (docs/decisions/0019).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import get_args

from hybridrag.types import Action, Label

TYPES = (
    *("PERSON", "ADDRESS", "PLACE", "ORG", "EMAIL", "PHONE", "CARD", "IBAN", "ACCOUNT", "SSN", "ID", "PASSPORT"),
    *("LICENCE", "PLATE", "IP", "MAC", "DOMAIN", "BIRTHDATE", "DATE", "AGE", "ZIP", "CRYPTO", "USER", "TITLE"),
    *("NAME", "SECRET", "DENIED"),
)
"""What the built-in detectors report (NAME: a name that is only suspected). Dictionaries and plug-ins report more."""
TYPE = re.compile(r"[A-Z]{1,10}\Z")
"""What a type may be called: a mark has room for ten letters."""
EVERY = "*"
"""In place of a type: every type that is not named."""
NAME = "NAME"
NAMED = ("PERSON", "ORG", "PLACE")
"""What a NAME may turn out to be: where a table does not name NAME, what it says of these holds for NAME at least."""
ACTIONS: tuple[Action, ...] = get_args(Action)
"""From the least strict to the strictest."""
DEFAULT_REDUCTION: Mapping[Label, int] = MappingProxyType(
    {Label.PUBLIC: 12_000, Label.INTERNAL: 12_000, Label.CONFIDENTIAL: 4_000, Label.LOCAL_ONLY: 4_000}
)
"""Characters a request: some ten passages of usual length, and three."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """Characters of documents that may leave, before redaction; None for no bound. Days are UTC days.

    `document` bounds one document a day, `confidential_document` one labelled confidential, `day` all of them.
    """

    document: int | None = None
    confidential_document: int | None = 40_000
    day: int | None = None

    def of(self, label: Label | str) -> int | None:
        """What may leave a day of one document under `label`: of confidential ones the smaller of both bounds."""
        guarded = _index(label) >= Label.CONFIDENTIAL.strictness
        bounds = (self.document, self.confidential_document if guarded else None)
        return min((bound for bound in bounds if bound is not None), default=None)


@dataclass(frozen=True, slots=True)
class Reduction:
    """How much one request may carry of the passages under a label and stricter ones: characters, before redaction."""

    characters: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds. No label is treated less strictly than a less strict one, however the policy was made.

    `actions` hold under every label, and `labels` tighten them under one; both name types, or `*` for the others.
    `characters` bound the passages of a request, `suspects` are the labels under which names are suspected everywhere.
    """

    actions: Mapping[str, Action] = field(default_factory=dict)
    labels: Mapping[Label, Mapping[str, Action]] = field(default_factory=dict)
    budgets: Budgets = Budgets()
    characters: Mapping[Label, int] = field(default_factory=lambda: DEFAULT_REDUCTION)
    suspects: frozenset[Label] = frozenset({Label.CONFIDENTIAL})
    require_zdr: bool = False
    require_ner: bool = False
    keep_payload: bool = False
    _decided: dict[tuple[str, str], Action] = field(default_factory=dict, init=False, repr=False, compare=False)

    def action(self, type: str, label: Label | str) -> Action:
        """What is done with a value of `type` in a text under `label`. Every type has an answer.

        A label that nobody knows blocks.
        """
        found = self._decided.get((type, label))
        if found is None:
            found = strictest(self._alone(type, each) for each in up_to(label)) if _known(label) else "block"
            self._decided[type, label] = found
        return found

    def strict(self, label: Label | str) -> bool:
        """Whether names are suspected in every capitalised word that is never written in lower case."""
        return _index(label) >= min(suspect.strictness for suspect in {Label.CONFIDENTIAL, *self.suspects})

    def reduction(self, label: Label | str) -> Reduction:
        """How much one request may carry of the passages under `label` and stricter ones."""
        return Reduction(min(self.characters.get(each, DEFAULT_REDUCTION[each]) for each in up_to(label)))

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that decides. Policies that decide alike have the same, however they were written."""
        named = {"SECRET", NAME, *self.actions, *(type for table in self.labels.values() for type in table)} - {EVERY}
        decides = {
            "version": 1,
            "actions": {label.value: self._table(named, label) for label in Label},
            "budgets": asdict(self.budgets),
            "characters": {label.value: self.reduction(label).characters for label in Label},
            "strict": {label.value: self.strict(label) for label in Label},
            "require_zdr": self.require_zdr,
            "require_ner": self.require_ner,
            "keep_payload": self.keep_payload,
        }
        text = json.dumps(decides, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def _alone(self, type: str, label: Label) -> Action:
        """What is said of one label by itself."""
        tables = (self.actions, self.labels.get(label, {}))
        said = [table[key] for table in tables for key in (type if type in table else EVERY,) if key in table]
        kin = [table[key] for table in tables for key in may_be(type, table) if key in table]
        return strictest([*said, *kin, least(type) if said else default(type)])

    def _table(self, named: Iterable[str], label: Label) -> dict[str, Action]:
        """What happens to every type, and to those that something else happens to."""
        rest = self.action(EVERY, label)
        return {EVERY: rest} | {type: done for type in named if (done := self.action(type, label)) != rest}


def retention_problem(policy: Policy, *, provider: str, local: bool, zero_retention: bool, stated: str) -> str | None:
    """Why `policy` forbids sending to a provider that may keep what it gets; None where it does not.

    `zero_retention` says that nothing is kept, by the provider's own word or the user's, and `stated` what is known.
    """
    if local or zero_retention or not policy.require_zdr:
        return None
    return f"the policy requires zero data retention, and {provider} does not promise it: {stated}"


def strictest(actions: Iterable[Action]) -> Action:
    """The strictest of at least one action."""
    return max(actions, key=ACTIONS.index)


def least(type: str) -> Action:
    """The least that a policy may do with a type: a secret never leaves, and never comes back."""
    return "mask" if type == "SECRET" else "allow"


def default(type: str) -> Action:
    """What is done with a type of which no policy says anything."""
    return "mask" if type == "SECRET" else "pseudonymise"


def up_to(label: Label | str) -> tuple[Label, ...]:
    """The label and those less strict, the strictest last: what is said of any of them holds for it too."""
    return tuple(Label)[: _index(label) + 1]


def may_be(type: str, table: Container[str]) -> tuple[str, ...]:
    """The types that a value of `type` may be after all, for a table with these types in it: see NAMED."""
    return NAMED if type == NAME and NAME not in table else ()


def _index(label: Label | str) -> int:
    """How strict a label is, from 0; one that nobody knows is as strict as any."""
    if isinstance(label, Label):
        return label.strictness
    return Label.parse(label).strictness if _known(label) else Label.LOCAL_ONLY.strictness


def _known(label: Label | str) -> bool:
    try:
        return isinstance(label, Label) or bool(Label.parse(label))
    except ValueError:
        return False
