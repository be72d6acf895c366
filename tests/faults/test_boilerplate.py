"""kill -9 while chunks are made to follow what documents repeat: the next run ends where an undisturbed one does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here
from tests.faults.conftest import url_of
from tests.faults.digest import assert_same, digest
from tests.faults.stops import Place, stop_at

HEADER = "Meal allowance portal of the finance department | Travel | Leave | Hotel | Expenses"
PAGES = 40


@pytest.mark.parametrize(
    ("place", "ingested"),
    [
        (Place("likeness", "insert", row=PAGES), False),
        (Place("boilerplate", "insert", at_commit=True), False),
        (Place("chunking", "delete", row=35), True),
        (Place("chunk", "insert", row=20), True),
    ],
    ids=str,
)
def test_killed(cli: CommandLine, tmp_path: Path, here: Here, place: Place, ingested: bool) -> None:
    """Also where they were `ingested` with all they repeat: then all but one of them have to be chunked anew."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(PAGES):
        text = f"{HEADER}\n\n# Office {number}\n\nThe manager of office {number} approves {number + 3} days of leave.\n"
        (docs / f"page-{number:02}.md").write_text(text)
    local = here(cli)
    if ingested:
        assert local("ingest", str(docs), env={"HYBRIDRAG_BOILERPLATE": "everywhere"}).code == 0
    with stop_at(url_of(cli), place) as stop:
        process = cli.start("ingest", str(docs), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            stop.reached_by(process)
        finally:
            process.kill()
            process.communicate()
            stop.release()
    again = local("ingest", str(docs), "--json")
    assert again.code == 0, again.err
    assert again.json["boilerplate"] == {"paragraphs": 1, "documents": PAGES - 1}
    assert local("ingest", str(docs), "-c", "undisturbed").code == 0
    assert_same(digest(url_of(cli)), digest(url_of(cli), "undisturbed"))
