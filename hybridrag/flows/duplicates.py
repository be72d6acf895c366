"""Documents that say the same, or nearly: groups of them, the one that holds the most text first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hybridrag.errors import UsageError
from hybridrag.flows.boilerplate import compare
from hybridrag.retrieval import LEAST_LIKENESS, NearTexts, stacked

if TYPE_CHECKING:
    from hybridrag.store.duplicates import Compared, Comparison

Kind = Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document of a group. `similarity` is that to the group's first document, 1 where it has the same words.

    `newest` and `longest` mark the one that is, where they differ.
    """

    compared: Compared
    similarity: float
    exact: bool
    newest: bool
    longest: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Documents with the same words in the same order (`exact`), or of which some differ in a few (`near`)."""

    kind: Kind
    documents: tuple[Duplicate, ...]

    @property
    def repeated(self) -> int:
        """The characters of all but the longest."""
        sizes = [each.compared.characters for each in self.documents]
        return sum(sizes) - max(sizes)


def duplicates(
    comparison: Comparison, *, kinds: Iterable[Kind], threshold: float, sources: Sequence[str] = ()
) -> list[Group]:
    """The groups of a collection, or of the documents of some `sources`; those that repeat the most text first.

    Raises UsageError for a threshold that near documents cannot be found by.
    """
    if not LEAST_LIKENESS <= threshold <= 1:
        raise UsageError(
            f"a threshold of {threshold:g} is out of reach", hint=f"give a share from {LEAST_LIKENESS:g} to 1"
        )
    compare(comparison.repeated)
    found = [each for each in comparison.documents() if not sources or each.document.source in sources]
    # Preferred first: the newest, of those the longest, then by source and path, in which order they come.
    found.sort(key=lambda each: (each.dated is None, -each.dated.timestamp() if each.dated else 0, -each.characters))
    classes: dict[bytes, list[Compared]] = defaultdict(list)
    for each in found:
        classes[each.digest].append(each)
    kinds = set(kinds)
    groups = _near(comparison, [*classes.values()], threshold) if "near" in kinds else []
    if "exact" in kinds:
        taken = {each.compared.digest for group in groups for each in group.documents}
        same = (each for each in classes.values() if len(each) > 1 and each[0].digest not in taken)
        groups += [_group("exact", {one.document.uri: (one, 1.0) for one in copies}) for copies in same]
    return sorted(groups, key=lambda group: (-group.repeated, group.documents[0].compared.document.uri))


def _near(comparison: Comparison, classes: Sequence[Sequence[Compared]], threshold: float) -> list[Group]:
    """Groups of classes of copies: only one of each is compared."""
    if len(classes) < 2:
        return []

    def texts_of(places: Sequence[int]) -> Mapping[int, str]:
        place_of = {classes[place][0].document.id: place for place in places}
        return {place_of[document]: text for document, text in comparison.texts(list(place_of)).items()}

    near = NearTexts(stacked([copies[0].sketch for copies in classes]), threshold, texts_of)
    return [
        _group(
            "near",
            {one.document.uri: (one, likeness) for place, likeness in group.items() for one in classes[place]},
        )
        for group in near.groups()
    ]


def _group(kind: Kind, members: Mapping[str, tuple[Compared, float]]) -> Group:
    documents = [one for one, _ in members.values()]
    dates = {one.dated for one in documents if one.dated}
    sizes = {one.characters for one in documents}
    first = documents[0]
    return Group(
        kind,
        tuple(
            Duplicate(
                one,
                similarity,
                exact=one.digest == first.digest,
                newest=len(dates) > 1 and one.dated == max(dates),
                longest=len(sizes) > 1 and one.characters == max(sizes),
            )
            for one, similarity in members.values()
        ),
    )
