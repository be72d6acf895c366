"""Chunks to make questions from, and the analysis and the sentences that the product uses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from hybridrag.evaluation.generated import Material
from hybridrag.retrieval.analysis import analyser_of, document_terms
from hybridrag.types import DocumentRef, Label, StoredChunk


def material(
    path: str,
    text: str,
    *,
    title: str = "",
    headings: tuple[str, ...] = (),
    language: str | None = "en",
    label: Label = Label.INTERNAL,
    sources: tuple[str, ...] = (),
    tokens: int = 50,
) -> Material:
    """A chunk of the document `docs/PATH`."""
    document = DocumentRef(
        id=uuid.uuid5(uuid.NAMESPACE_URL, path),
        source="docs",
        path=path,
        title=title or path,
        media_type="text/markdown",
        label=label,
        external_id=None,
        metadata={},
    )
    chunk = StoredChunk(
        id=uuid.uuid5(document.id, text),
        document=document,
        ordinal=0,
        start=0,
        end=len(text),
        text=text,
        headings=headings,
        page=None,
        tokens=tokens,
    )
    return Material(chunk, language, (document.uri, *sources))


def terms(text: str, language: str | None) -> Mapping[str, int]:
    return document_terms(text, analyser_of(language, "auto"))


def handbook() -> list[Material]:
    """Twelve documents that share words but no sentence, except for a footer."""
    rules = [
        (
            "travel",
            "Meal allowance",
            "The travel allowance for meals is 62 euros a day, and the finance team pays it within two weeks.",
        ),
        (
            "parental",
            "Months of leave",
            "Parental leave lasts fourteen months, and both parents may divide these months between them.",
        ),
        (
            "laptops",
            "Disk encryption",
            "Every laptop is encrypted with a recovery key that the support desk keeps in a sealed vault.",
        ),
        (
            "vacation",
            "Expiry of days",
            "Unused vacation days expire in March unless the manager grants an extension in writing.",
        ),
        (
            "parking",
            "Garage hours",
            "The parking garage beneath the office opens at six and closes at midnight on working days.",
        ),
        (
            "training",
            "Conference budget",
            "Employees choose one conference each year, and the training budget covers tickets and hotels.",
        ),
        (
            "sickness",
            "Doctor's certificate",
            "A medical certificate is required from the third day of sickness, not counting weekends.",
        ),
        (
            "pension",
            "Employer match",
            "The company matches pension contributions up to four percent of the monthly gross salary.",
        ),
        (
            "visitors",
            "Reception badge",
            "Visitors sign a register at reception and wear a yellow badge until they leave the building.",
        ),
        (
            "fire",
            "Assembly point",
            "During a fire alarm everybody gathers at the assembly point behind the northern car entrance.",
        ),
        (
            "payroll",
            "Banking day",
            "Salaries arrive on the penultimate banking day, and payslips appear in the employee portal.",
        ),
        (
            "canteen",
            "Weekly menu",
            "The canteen serves vegetarian dishes daily, and allergens are printed on the weekly menu.",
        ),
    ]
    footer = "This page was written by the people department and is reviewed once a year by the works council."
    return [
        material(f"{name}.md", f"{text}\n\n{footer}", title=f"{name.title()} rules", headings=(heading,))
        for name, heading, text in rules
    ]
