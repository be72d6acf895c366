"""The options that `ask` and `chat` share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Provider: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--provider", metavar="NAME|URL", help="A name of `hybridrag providers list`, or an OpenAI-compatible URL."
    ),
]
Llm: TypeAlias = Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")]
Fallback: TypeAlias = Annotated[
    str | None, typer.Option("--fallback", metavar="NAME,...", help="Whom to ask next where the provider fails.")
]
MaxCost: TypeAlias = Annotated[
    str | None, typer.Option("--max-cost-usd", metavar="USD", help="What all requests of a day may cost.")
]
Passages: TypeAlias = Annotated[int, typer.Option("-k", metavar="N", help="Number of passages.", min=1, max=50)]
Filtered: TypeAlias = Annotated[str, typer.Option("--filter", metavar="EXPR", help="As for search.")]
Rerank: TypeAlias = Annotated[bool | None, typer.Option("--rerank/--no-rerank", help="As for search.")]
Stream: TypeAlias = Annotated[bool, typer.Option("--stream/--no-stream", help="Show an answer as it comes.")]
RequireGrounded: TypeAlias = Annotated[
    bool, typer.Option("--require-grounded", help="Withhold an answer with a sentence that no passage bears out.")
]
RequireProvider: TypeAlias = Annotated[
    bool, typer.Option("--require-provider", help="Fail rather than answer without a provider.")
]
