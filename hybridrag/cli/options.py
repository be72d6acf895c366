"""Options that several verbs take."""

from __future__ import annotations

from typing import Annotated

import typer

Embedder = Annotated[str | None, typer.Option("--embedder", metavar="MODEL", help="The embedding model to change to.")]
Dims = Annotated[
    int | None, typer.Option("--dims", metavar="N", help="Keep N dimensions of its vectors (Matryoshka models).")
]
Precision = Annotated[
    str | None, typer.Option("--precision", metavar="FORMAT", help="auto, float32, bfloat16, float16 or int8.")
]
ChunkTokens = Annotated[
    int | None, typer.Option("--chunk-tokens", metavar="N", min=32, help="The most tokens of a chunk.")
]
TextSearch = Annotated[
    str | None, typer.Option("--text-search", metavar="NAME", help="How words are stemmed: auto, plain, en, de, ...")
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for a run that holds the collection."),
]
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, max=64, help="Worker processes on this machine.")
]
Prune = Annotated[bool, typer.Option("--prune/--no-prune", help="Remove what vanished from its source.")]
AllowMassDelete = Annotated[bool, typer.Option("--allow-mass-delete", help="Let most of a source be removed.")]
AllowPrivate = Annotated[
    bool | None,
    typer.Option("--allow-private-addresses", help="Fetch web pages of this machine and of private networks too."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 6 if any document fails.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done; change nothing.")]
