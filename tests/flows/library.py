"""A folder of documents, a collection in a real database, and what `hybridrag ingest` does between them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from hybridrag.config import load
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.ingest_report import IngestReport
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Query
from hybridrag.wiring import Wiring


@dataclass
class Library:
    """Documents under `folder`, ingested in this process."""

    folder: Path
    wiring: Wiring
    environ: dict[str, str]

    @staticmethod
    def open(tmp_path: Path, *, database_url: str, embedder: Path) -> Library:
        folder = tmp_path / "docs"
        folder.mkdir()
        environ = {
            "HYBRIDRAG_HOME": str(tmp_path / "home"),
            "HYBRIDRAG_DATABASE_URL": database_url,
            "HYBRIDRAG_EMBEDDER": str(embedder),
        }
        settings = load(environ=environ, cwd=tmp_path)
        return Library(folder, Wiring(settings, notify=lambda _: None, environ=environ), environ)

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def ingest(
        self, *paths: Path, stdin: bytes = b"", stdin_name: str | None = None, options: Any = None, **flags: Any
    ) -> IngestReport:
        """Ingests the folder, or the paths given; `flags` are those of `IngestOptions`, `options` of the source."""
        return self.wiring.ingesting.ingest(
            [str(path) for path in paths] or [str(self.folder)],
            source_options=options or SourceOptions(),
            options=IngestOptions(**flags),
            progress=Silent(),
            stdin=io.BytesIO(stdin),
            stdin_name=stdin_name,
        )

    def paths(self) -> list[str]:
        """What the index holds, by path."""
        return [row["path"] for row in self.rows()]

    def rows(self) -> list[dict[str, Any]]:
        return self.wiring.store.list_documents(self.wiring.collection())

    def found(self, text: str) -> list[str]:
        """Paths of the hits of a search, best first."""
        return [hit.chunk.document.path for hit in self.wiring.search(Query(text)).hits]

    def execute(self, statement: str) -> None:
        """Changes the database behind the program's back."""
        with psycopg.connect(self.environ["HYBRIDRAG_DATABASE_URL"], options="-c search_path=hybridrag") as connection:
            connection.execute(statement)

    def vectors(self) -> int:
        collection = self.wiring.collection()
        with self.wiring.store.snapshot(collection.name) as snapshot:
            row = snapshot.tx.execute(f"select count(*) as n from vectors_{collection.generation.id}").fetchone()
        assert row is not None
        return int(row["n"])


def counts(report: IngestReport) -> dict[str, int]:
    """What became of the documents, without the zeros."""
    names = ("added", "updated", "unchanged", "removed", "skipped", "failed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}
