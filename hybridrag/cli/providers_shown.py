"""How providers look: a list that fits a narrow terminal, all facts of one, what a test found."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.cli.answers import COUNTED
from hybridrag.cli.console import coloured, one_line, printable, stdout
from hybridrag.money import dollars

if TYPE_CHECKING:
    from hybridrag.flows.providers import Shown, Tried
    from hybridrag.store.spending import Spent
    from hybridrag.types import ChatModel, Usage

_NARROW = 140
"""Columns below which each provider takes some lines."""
_WIDEST = 10_000
NO_MODEL = "choose one with --llm"


def print_providers(shown: Sequence[Shown], *, chosen: str) -> None:
    """Every provider: a line each where there is room, and where no person reads it."""
    from rich.table import Table

    console = stdout()
    terminal = sys.stdout.isatty()
    if terminal and console.width < _NARROW:
        bold, off = ("\033[1m", "\033[0m") if coloured(sys.stdout) else ("", "")
        for at, each in enumerate(shown):
            sys.stdout.write(("\n" if at else "") + f"{bold}{_named(each, chosen)}{off}\n")
            grid = Table.grid(padding=(0, 1))
            grid.add_column(width=1)
            grid.add_column(overflow="fold")
            for line in _lines(each):
                grid.add_row("", one_line(line))
            console.print(grid)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("provider", "where", "address", "key", "model", "context", "price", "keeps"):
        table.add_column(title, overflow="fold")
    for each in shown:
        cells = (each.base_url, _key(each), each.model or NO_MODEL, _context(each.chat_model), _price(each))
        table.add_row(_named(each, chosen), _where(each), *map(one_line, cells), each.kept)
    if not terminal:
        console.width = console.measure(table, options=console.options.update(width=_WIDEST)).maximum
    console.print(table)


def print_provider(shown: Shown) -> None:
    """All that is known of a provider, a fact a line, with where it is from."""
    from rich.table import Table

    console = stdout()
    if not console.is_terminal:
        console.width = _WIDEST
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for fact, value, origin in _facts(shown):
        table.add_row(fact, printable(f"{value} ({origin})" if origin else value))
    console.print(table)


def print_tried(tried: Tried) -> None:
    """What a test found, a fact a line."""
    speed = "" if tried.tokens_per_second is None else f", {tried.tokens_per_second:g} tokens/s with it"
    facts = [
        ("answer", " ".join(tried.reply.split())),
        ("first token", f"{tried.first_token_ms:,.0f} ms"),
        ("whole answer", f"{tried.total_ms:,.0f} ms{speed}"),
        ("tokens", _usage(tried.usage)),
        ("cost", _cost(tried.usage)),
        ("ledger", tried.ledger_id),
    ]
    if not tried.complete:
        facts.insert(1, ("note", "the answer was cut off"))
    for name, text in facts:
        stdout().print(f"{name + ':':<14} {one_line(text)}", soft_wrap=True)


def spent_line(spent: Spent, limit: float | None) -> str:
    """What today has cost, for people."""
    of = f" of {dollars(limit)}" if limit is not None else ""
    aside = f", {dollars(spent.reserved)} of it only set aside" if spent.reserved else ""
    unpriced = f" ({spent.unpriced:,} of them without a known price)" if spent.unpriced else ""
    requests = "1 request" if spent.requests == 1 else f"{spent.requests:,} requests"
    return f"today (UTC): {dollars(spent.total)}{of} spent{aside}, {requests}{unpriced}"


def provider_json(shown: Shown) -> dict[str, Any]:
    price, facts = shown.chat_model.price, shown.facts
    return {
        "name": shown.name,
        "base_url": shown.base_url,
        "format": shown.format,
        "local": shown.local,
        "key_variable": shown.key_variable or None,
        "key_set": shown.key_set,
        "model": shown.model or None,
        "context": shown.chat_model.context,
        "price_usd_per_million_tokens": price and {"prompt": price.prompt, "completion": price.completion},
        "keeps_nothing": shown.keeps_nothing,
        "retention": shown.retention,
        "source": shown.source or None,
        "checked": shown.checked or None,
        "model_source": facts and facts.source,
        "model_checked": facts and facts.checked,
        "problem": shown.problem or None,
        "origins": dict(shown.origins),
    }


def spent_json(spent: Spent | None, limit: float | None) -> dict[str, Any]:
    return {
        "limit_usd": limit,
        "spent_usd": spent and spent.total,
        "reserved_usd": spent and spent.reserved,
        "requests": spent and spent.requests,
        "unpriced": spent and spent.unpriced,
    }


def tried_json(tried: Tried) -> dict[str, Any]:
    usage = tried.usage
    return {
        "provider": tried.provider,
        "model": tried.model,
        "url": tried.url,
        "local": tried.local,
        "reply": tried.reply,
        "complete": tried.complete,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "counted": usage.counted,
            "cost_usd": usage.cost_usd,
        },
        "tokens_per_second": tried.tokens_per_second,
        "timings_ms": {"first_token": tried.first_token_ms, "total": tried.total_ms},
        "ledger_id": tried.ledger_id,
    }


def _named(shown: Shown, chosen: str) -> str:
    return one_line(shown.name) + (" (chosen)" if shown.name.lower() == chosen.lower() else "")


def _where(shown: Shown) -> str:
    return "local" if shown.local else "remote"


def _lines(shown: Shown) -> Iterator[str]:
    yield f"{shown.base_url or 'no address'}, {_where(shown)}"
    yield f"key: {_key(shown)}"
    yield f"model: {shown.model or NO_MODEL}"
    yield f"context: {_context(shown.chat_model)}; price: {_price(shown)}"
    yield shown.kept
    if shown.problem:
        yield f"cannot be used: {shown.problem}"


def _facts(shown: Shown) -> Iterator[tuple[str, str, str]]:
    origins = shown.origins
    yield "name", shown.name, ""
    yield "address", shown.base_url or "none", origins.get("base_url", "")
    yield "format", shown.format, ""
    yield "where", f"{_where(shown)}: {_because(shown)}", ""
    yield "key", _key(shown), origins.get("key_variable", "") if shown.key_variable else ""
    yield "model", shown.model or NO_MODEL, origins.get("model", "") if shown.model else ""
    yield "context", _context(shown.chat_model), origins.get("context", "") if shown.chat_model.context else ""
    yield "price", _price(shown), origins.get("price", "") if _priced(shown) else ""
    yield "keeps", f"{'nothing' if shown.keeps_nothing else 'requests, or may'}: {shown.retention}", ""
    if shown.source:
        yield "source", f"{shown.source}, as of {shown.checked}", ""
    if shown.facts:
        note = f"; {shown.facts.note}" if shown.facts.note else ""
        yield "model's facts", f"{shown.facts.source}, as of {shown.facts.checked}{note}", ""
    if shown.problem:
        yield "cannot be used", shown.problem, ""


def _because(shown: Shown) -> str:
    return "requests stay with you" if shown.local else "only redacted text is sent, and each request is in the ledger"


def _key(shown: Shown) -> str:
    if not shown.key_variable:
        return "none needed"
    return f"{shown.key_variable}, {'set' if shown.key_set else 'not set'}"


def _context(model: ChatModel) -> str:
    return "not known" if model.context is None else f"{model.context:,} tokens"


def _price(shown: Shown) -> str:
    price = shown.chat_model.price
    if shown.local and not _priced(shown):
        return "nothing, it is local"
    if price is None:
        return "not known"
    return f"{dollars(price.prompt)} in, {dollars(price.completion)} out, a million tokens"


def _priced(shown: Shown) -> bool:
    price = shown.chat_model.price
    return price is not None and (not shown.local or price.prompt + price.completion > 0)


def _usage(usage: Usage) -> str:
    return f"{usage.prompt_tokens:,} in, {usage.completion_tokens:,} out ({COUNTED[usage.counted]})"


def _cost(usage: Usage) -> str:
    if usage.cost_usd is None:
        return "not known: no price is set for this model"
    return dollars(usage.cost_usd) + (" at most" if usage.counted == "estimate" and usage.cost_usd else "")
