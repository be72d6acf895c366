"""A run as one page of HTML: tables and pictures, with nothing fetched from elsewhere and nothing that runs.

Questions and names of documents are whatever somebody wrote, so all text is escaped; the page forbids scripts besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from hybridrag.errors import UsageError
from hybridrag.evaluation.comparison import Comparison, short, signed, verdict
from hybridrag.evaluation.drawing import bars, histogram
from hybridrag.evaluation.files import check_place
from hybridrag.evaluation.metrics import MAIN
from hybridrag.evaluation.plots import Bar, Panel
from hybridrag.evaluation.runs import Run

_MOST_QUESTIONS = 2000
"""Questions that the page lists, worst first: a browser still opens it."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.6rem 0 1.2rem}"
    "th,td{padding:.25rem .7rem;text-align:right;vertical-align:top;border-bottom:1px solid #ddd}"
    "th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}"
    "small{color:#666;white-space:nowrap}td:first-child small{white-space:normal}"
    "h2{margin-top:2rem;font-size:1.15rem}p,li{overflow-wrap:anywhere}"
    "svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#222}"
)


def check_report(path: Path, *, read: Iterable[Path] = ()) -> None:
    """Raises UsageError where no report could be written to `path`, so that nobody measures in vain."""
    if path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"the report {path} is no HTML file", hint="give a name that ends in .html")
    check_place(path, "report", read=read)


def html_report(run: Run, held: Sequence[Comparison] = (), *, more: Iterable[str] = ()) -> str:
    """The page. `held` are comparisons with a baseline, which it shows first, `more` further parts in HTML."""
    title = f"{run.dataset} on {run.collection}"
    body = [
        f"<h1>{safe(title)}</h1>",
        f"<p>{_asked(run):,} questions to {run.documents:,} documents, {run.at.astimezone():%Y-%m-%d %H:%M}. "
        f"{safe(_served(run))}</p>",
        _list(run.notes),
        *(f"<p><strong>{safe(one.sentence)}</strong></p>" for one in held),
        *more,
        *(_retrieval(run, held) if run.modes else ()),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
        f"<title>{safe(title)}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _retrieval(run: Run, held: Sequence[Comparison]) -> Iterable[str]:
    yield _modes(run)
    yield from _sentences(run)
    yield _quality(run)
    yield from _spread(run)
    yield _latency(run)
    yield from (_changed(one) for one in held)
    yield _questions(run)


def _asked(run: Run) -> int:
    return max(len(run.texts), len(run.answers.by_question) if run.answers is not None else 0)


def _served(run: Run) -> str:
    told = run.configuration
    parts = [f"model {told.get('model')}", f"analysis {told.get('text_search')}", f"depth {told.get('depth')}"]
    parts += [f"{name} {told[name]}" for name in ("filter", "reranker") if told.get(name)]
    return ", ".join(parts)


def _modes(run: Run) -> str:
    names = list(next(iter(run.summaries.values())).means)
    rows = []
    for mode, summary in run.summaries.items():
        cells = []
        for name in names:
            low, high = summary.intervals[name]
            cells.append(f"{short(summary.means[name])}<br><small>{short(low)}-{short(high)}</small>")
        rows.append([safe(mode), *cells, f"{summary.p50_ms:.1f}", f"{summary.p95_ms:.1f}"])
    for (before, after), differences in run.differences.items():
        cells = [
            f"{signed(found.mean)}<br><small>{signed(found.low)} to {signed(found.high)}</small>"
            for found in differences.values()
        ]
        rows.append([f"{safe(after)} - {safe(before)}", *cells, "", ""])
    return "<h2>Metrics, with 95% intervals</h2>" + table(["mode", *names, "p50 ms", "p95 ms"], rows)


def _sentences(run: Run) -> Iterable[str]:
    for (before, after), found in run.differences.items():
        yield f"<p>{safe(verdict(found[MAIN], before=before, after=after, metric=MAIN))}</p>"


def _quality(run: Run) -> str:
    best = max(run.modes, key=lambda mode: run.summaries[mode].means[MAIN])
    drawn = [
        Bar(mode, summary.means[MAIN], *summary.intervals[MAIN], emphasised=mode == best)
        for mode, summary in run.summaries.items()
    ]
    return f"<h2>{MAIN}</h2>" + bars(Panel(f"{MAIN} with its 95% interval", drawn, shown="{:.3f}"))


def _latency(run: Run) -> str:
    drawn = [Bar(f"{mode} p50", summary.p50_ms, emphasised=True) for mode, summary in run.summaries.items()]
    drawn += [Bar(f"{mode} p95", summary.p95_ms) for mode, summary in run.summaries.items()]
    return "<h2>Milliseconds</h2>" + bars(Panel("latency in milliseconds", drawn, shown="{:.1f}"))


def _spread(run: Run) -> Iterable[str]:
    for before, after in run.differences:
        values = [
            run.modes[after][question].values[MAIN] - run.modes[before][question].values[MAIN] for question in run.texts
        ]
        same = sum(value == 0 for value in values)
        yield f"<h2>{safe(after)} - {safe(before)}, question by question</h2>"
        yield histogram(values, title=f"{MAIN} of {after} minus {before}: number of questions")
        yield f"<p>{same:,} of {len(values):,} questions are the same in both.</p>"


def _changed(found: Comparison) -> str:
    rows = [[safe(one.text), short(one.before), short(one.after)] for one in found.worse[:20]]
    if not rows:
        return ""
    return f"<h2>Worse than {safe(found.before)}</h2>" + table(["question", "before", "now"], rows)


def _questions(run: Run) -> str:
    first = next(iter(run.modes))
    worst = sorted(run.texts, key=lambda question: run.modes[first][question].values[MAIN])[:_MOST_QUESTIONS]
    rows = []
    for question in worst:
        told = ", ".join(safe(name) for name, grade in run.qrels[question].items() if grade > 0)
        cells = []
        for outcomes in run.modes.values():
            ranks = sorted(outcomes[question].ranks.values())
            places = ", ".join(map(str, ranks[:5])) or "none"
            cells.append(f"{short(outcomes[question].values[MAIN])}<br><small>rank {places}</small>")
        rows.append([f"{safe(run.texts[question])}<br><small>{told}</small>", *cells])
    part = f", the worst {len(worst):,} of {len(run.texts):,}" if len(worst) < len(run.texts) else ""
    return (
        f"<h2>Questions by {MAIN} of {safe(first)}, worst first{part}</h2>"
        + table(["question and relevant documents", *(safe(mode) for mode in run.modes)], rows)
    )  # fmt: skip


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in HTML. Cells are HTML already."""
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{safe(line)}</li>' for line in lines)}</ul>" if lines else ""


def safe(text: str) -> str:
    """Text as it may stand anywhere in the page: escaped, and without what turns the direction of writing."""
    return escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))
