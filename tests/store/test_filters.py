"""Filters in PostgreSQL against the same worked out in plain Python, and whatever else people may write."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hybridrag.errors import UsageError
from hybridrag.globs import glob_to_regex, matches
from hybridrag.retrieval import parse_filter
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.filters import documents_matching
from hybridrag.types import Clause, Collection, Filter, Label
from tests.retrieval.filtering import clauses, trees, written
from tests.store.corpus import Corpus
from tests.store.naive_filters import holds

AUTHORS = ["Ada", "Grace Hopper", 'O"Neil', "ada", "", "nan", "x/y", "\\", "$.a", "é🙂"]
SCALARS = [
    1,
    2025,
    -3,
    0.5,
    1.5,
    True,
    False,
    None,
    "1",
    " 2 ",
    "2025",
    "1e3",
    "true",
    "Infinity",
    "1_0",
    "12a",
]
DAYS = ["2025", "2025-01", "2025-01-01", "2024-12-31", "2025-01-31T23:00+05:00", "2025-01-01 x", "2025-02-31", "2025-1"]
NESTED = [{"b": "Ada"}, {"b": ["Ada", 1]}, [{"b": 1}, {"b": "Ada"}], [["Ada"]], [], {}, {"b": {"c": "Ada"}}, "plain"]
KEYS = ["author", "n", "tags", "due", "a.b", "a", 'odd "key"', "a.b.c", "none"]
PATHS = ["a.md", "docs/a.md", "docs/x/b.MD", "docs/a*b?.md", "b.tar.gz", "x.", ".md", "no ending", "y\nz.md", "(a).txt"]


class Library:
    """A collection's documents as rows, beside another collection's."""

    def __init__(self, connection: Connection, corpus: Corpus, rows: list[dict[str, Any]]) -> None:
        self.connection = connection
        self.corpus = corpus
        self.rows = rows

    def found(self, tree: Filter) -> set[uuid.UUID]:
        with transaction(self.connection, read_only=True) as tx:
            return {row["id"] for row in tx.execute(*documents_matching(tree, self.corpus.collection.id))}

    def expected(self, tree: Filter) -> set[uuid.UUID]:
        return {row["id"] for row in self.rows if holds(tree, row)}


@pytest.fixture(scope="module")
def library(module_database_url: str) -> Iterator[Library]:
    corpus = Corpus.create(module_database_url)
    other = Corpus.create(module_database_url, name="other")
    connection = connect(module_database_url)
    with transaction(connection) as tx:
        rng = random.Random(7)
        rows = [_document(rng, number) for number in range(160)]
        _insert(tx, corpus.collection, rows)
        _insert(tx, other.collection, [_document(rng, number) for number in range(20)])
    yield Library(connection, corpus, rows)
    connection.close()
    corpus.store.close()
    other.store.close()


def _document(rng: random.Random, number: int) -> dict[str, Any]:
    held = {
        "author": rng.choice([*AUTHORS, ["Ada", "Grace Hopper"]]),
        "n": rng.choice(SCALARS),
        "tags": rng.sample([*AUTHORS, *SCALARS, *DAYS], k=rng.randint(0, 4)),
        "due": rng.choice(DAYS),
        "a.b": rng.choice(["Ada", 1]),
        "a": rng.choice(NESTED),
        'odd "key"': rng.choice(AUTHORS),
    }
    dates = [
        None,
        *(datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s) for s in (-86400, -1, 0, 59, 86399, 86400)),
    ]
    dates += [
        datetime(2025, 1, 31, 23, 59, 1, tzinfo=UTC),
        datetime(2024, 2, 29, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
    ]
    path = rng.choice(PATHS)
    return {
        "id": uuid.UUID(int=rng.getrandbits(128)),
        "source": rng.choice(["handbook", "wiki", "docs"]),
        "path": f"{number}/{path}" if number >= len(PATHS) else PATHS[number],
        "title": rng.choice(["Ada", "docs/a.md", "a b", "Überblick"]),
        "media_type": rng.choice(["text/markdown", "text/plain", "Application/PDF"]),
        "label": rng.choice([*Label]).value,
        "language": rng.choice(["de", "en", None]),
        "dated_at": rng.choice(dates),
        "modified_at": rng.choice(dates),
        "metadata": {key: value for key, value in held.items() if rng.random() < 0.6},
    }


def _insert(tx: Connection, collection: Collection, rows: list[dict[str, Any]]) -> None:
    for name in sorted({row["source"] for row in rows}):
        tx.execute(
            "insert into source (collection_id, name, kind, root, label) values (%s, %s, 'folder', '/', 'internal')",
            (collection.id, name),
        )
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into document (collection_id, id, source_id, path, title, media_type, label, language, metadata,"
            " content_hash, modified_at, dated_at, text, pages, processing)"
            " select %(collection)s, %(id)s, s.id, %(path)s, %(title)s, %(media_type)s, %(label)s, %(language)s,"
            " %(held)s, 'x', %(modified_at)s, %(dated_at)s, '', '[]', 'p'"
            " from source s where s.collection_id = %(collection)s and s.name = %(source)s",
            [row | {"collection": collection.id, "held": json.dumps(row["metadata"])} for row in rows],
        )


_often = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
_likely = clauses(words=[*PATHS, *AUTHORS[:4], "handbook/**", "docs/*", "Überblick", "a*"], keys=KEYS)


@_often
@given(_likely)
@example(Clause("meta.n", "=", "-3"))
@example(Clause("meta.n", "<", "-2.5"))
@example(Clause("meta.n", ">", "abc"))
@example(Clause("meta.n", "=", "1" * 200))
@example(Clause("meta.n", ">=", "1" * 200))
@example(Clause("meta.due", ">", "2025-01"))
@example(Clause("meta.due", ">=", "2025-01-01"))
@example(Clause("meta.due", "<=", "9999"))
@example(Clause("meta.a.b", ":", "Ad?"))
@example(Clause("meta." + ".".join("x" * 3_000), "=", "1"))
@example(Clause("meta.author", "=", "\x01\x7f\u2028\t\"'"))
@example(Clause("date", "<=", "9999"))
@example(Clause("type", ":", "tar.gz"))
@example(Clause("path", ":", "1**"))
def test_a_condition_means_in_sql_what_it_means_in_python(library: Library, clause: Filter) -> None:
    assert library.found(clause) == library.expected(clause)


@_often
@given(trees(_likely))
def test_a_tree_means_in_sql_what_it_means_in_python(library: Library, tree: Filter) -> None:
    assert library.found(tree) == library.expected(tree)
    try:
        read = parse_filter(written(tree))
    except UsageError as exc:
        assert "wildcards" in exc.message
    else:
        assert read == tree


@pytest.mark.parametrize(
    "field", ["path", "source", "title", "type:md", "label:public", "language:de", "date:2025", "meta.n=1"]
)
def test_every_document_passes_a_condition_or_its_negation(library: Library, field: str) -> None:
    text = field if ":" in field or "=" in field else f"{field}:*a*"
    tree, negated = parse_filter(text), parse_filter(f"not ({text})")
    assert tree is not None
    assert negated is not None
    everything = {row["id"] for row in library.rows}
    assert library.found(tree) | library.found(negated) == everything
    assert not library.found(tree) & library.found(negated)
    assert library.found(tree)


def test_what_lacks_a_field_passes_neither_its_value_nor_another(library: Library) -> None:
    cases: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        ("meta.author{}Ada", lambda row: "author" in row["metadata"]),
        ("language{}de", lambda row: row["language"]),
        ("date{}2025-01-01", lambda row: row["dated_at"] or row["modified_at"]),
    ]
    for text, has in cases:
        equal, other = parse_filter(text.format("=")), parse_filter(text.format("!="))
        assert equal is not None
        assert other is not None
        with_it = {row["id"] for row in library.rows if has(row)}
        assert library.found(equal) | library.found(other) == with_it
        assert not library.found(equal) & library.found(other)


# --- whatever is typed -----------------------------------------------------------------------------------------------

_odd = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40) | st.lists(
    st.sampled_from(
        ["'", '"', "\\", "%", "(", ")", "&", "|", "!", ":*", "[", "]", "{", "}", "$1", "a", " ", "::", "--"]
    ),
    max_size=12,
).map("".join)
_fields = [
    "path",
    "type",
    "source",
    "title",
    "meta.author",
    "meta.' or 1=1",
    'meta."',
    "meta.$",
    "meta.a.$.*",
    "meta.%s",
]


@_often
@given(field=st.sampled_from(_fields), comparison=st.sampled_from([":", "=", "!=", "<"]), value=_odd)
@example("path", ":", "***:.*")
@example("path", ":", "(?i)HR/**")
@example("path", ":", "\\")
@example("path", ":", "[" * 500)
@example("path", ":", "*a" * 32)
@example("path", ":", "**/" * 32)
@example("path", ":", "\u0301ा्?")
@example("source", ":", "\\A\\1*")
@example("meta.author", "=", '" || true')
@example("meta.author", "=", "\\u0000")
@example("meta.author", "<", '"')
@example("meta.n", "<", "1e999999")
def test_any_value_is_taken_as_it_is(library: Library, field: str, comparison: str, value: str) -> None:
    order = comparison == "<" and not field.startswith("meta.")
    clause = Clause(field, ":" if order else comparison, value or "x")  # type: ignore[arg-type]
    assert library.found(clause) == library.expected(clause)


@_often
@given(
    st.lists(
        st.sampled_from(
            ["path:", "type:", "meta.x", "date<", "label:", "=", "public", "md", "2025", '"', " ", "(", ")"]
        )
        | st.sampled_from([" and ", " or ", "not ", "*", "'", ";", "--", "🙂", "\0"])
        | st.text(max_size=4),
        max_size=12,
    ).map("".join)
)
@example("path:x" + " or path:x" * 199)
@example("(" * 50 + "path:*x*" + ")" * 50)
@example("not " * 50 + "path:*x*")
@example("path:(" + "*x?y** " * 28 + ")")
@example("path:" + "x" * 9_995)
@example("path:*" + "x" * 9_994)
@example("meta." + "x." * 4_900 + "y=1")
@example("x")
@example("and or not")
@example("word " * 10_000)
def test_any_text_is_an_answer_or_a_clear_message(library: Library, text: str) -> None:
    try:
        tree = parse_filter(text)
    except UsageError as exc:
        assert exc.hint
    else:
        if tree is not None:
            assert library.found(tree) == library.expected(tree)


@_often
@given(
    path=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(lambda p: "/" not in p)
)
@example(path="a*b?c[d]e{f}(g)h|i^j$k.l\\m+n")
@example(path="यात्रा")
def test_a_path_matches_itself_as_a_filter(library: Library, path: str) -> None:
    """PostgreSQL and Python read the regular expression of a glob alike."""
    assert matches(path, path)
    row = library.connection.execute(
        "select %s::text ~ %s::text as same, 'x' || %s::text ~ %s::text as other",
        (path, glob_to_regex(path), path, glob_to_regex(path)),
    ).fetchone()
    assert row is not None
    assert row["same"]
    assert row["other"] == matches(path, "x" + path)


# --- examples --------------------------------------------------------------------------------------------------------

FILTERS = [
    ("path:hr/**", lambda d: d["path"].startswith("hr/")),
    ("path:eng/*", lambda d: d["path"].startswith("eng/doc")),
    ("path:eng/**/*.md", lambda d: d["path"].startswith("eng/") and d["path"].endswith(".md")),
    ("path:*.txt", lambda d: d["path"].endswith(".txt")),
    ('path:"doc 7.txt"', lambda d: d["path"].endswith("/doc 7.txt")),
    ('path:"**/doc ?.md"', lambda d: len(d["path"].split("/")[-1]) == 8),
    ("path:wiki/**", lambda d: d["source"] == "wiki"),
    ('path="eng/api/doc 7.txt"', lambda d: d["path"].endswith("/doc 7.txt")),
    ('path="handbook/eng/api/doc 7.txt"', lambda d: d["path"].endswith("/doc 7.txt")),
    ('path="doc 7.txt"', lambda d: False),
    ("type:md", lambda d: d["path"].endswith(".md")),
    ("type:.MD", lambda d: d["path"].endswith(".md")),
    ("type:m?", lambda d: d["path"].endswith(".md")),
    ("type:text/plain", lambda d: d["media_type"] == "text/plain"),
    ("type:text/*", lambda d: True),
    ("type:(md txt) source:wiki", lambda d: d["source"] == "wiki"),
    ("label:confidential", lambda d: d["label"] == "confidential"),
    ("label<confidential", lambda d: d["label"] == "internal"),
    ("label>public", lambda d: True),
    ("source:w*", lambda d: d["source"] == "wiki"),
    ("meta.author=Ada", lambda d: d["metadata"].get("author") == "Ada"),
    ("meta.author!=Ada", lambda d: d["metadata"].get("author") not in {"Ada", None}),
    ("not meta.author=Ada", lambda d: d["metadata"].get("author") != "Ada"),
    ('meta.author:"Grace *"', lambda d: d["metadata"].get("author") == "Grace Hopper"),
    ('meta.author="O\\"Neil"', lambda d: d["metadata"].get("author") == 'O"Neil'),
    ("meta.year:200?", lambda d: 2000 <= d["metadata"].get("year", 0) < 2010),
    ("meta.year>=2030 meta.year<2040.5", lambda d: 2030 <= d["metadata"].get("year", 0) <= 2040),
    ("meta.tags=all", lambda d: "tags" in d["metadata"]),
    ('meta.tags:"tag 1?"', lambda d: 10 <= d["metadata"].get("year", 0) - 2000 < 20),
    ("meta.none:x", lambda d: False),
    ("not meta.author:**", lambda d: "author" not in d["metadata"]),
    ("meta.year:**", lambda d: "year" in d["metadata"]),
    ("date:2025-01", lambda d: "year" in d["metadata"] and d["metadata"]["year"] - 2000 < 31),
    ("date>2025-01", lambda d: "year" in d["metadata"] and d["metadata"]["year"] - 2000 >= 31),
    ("type:md label:internal source:handbook path:hr/**", lambda d: d["path"].startswith("hr/") and
     (d["path"].endswith(".md"), d["label"], d["source"]) == (True, "internal", "handbook")),
    ("path:hr/** or source:wiki type:md", lambda d: d["path"].startswith("hr/") or
     (d["source"] == "wiki" and d["path"].endswith(".md"))),
    ('path:"names/Ümläut [1] (x).md"', lambda d: "Ümläut" in d["path"]),
    ('path:"names/मेरी *"', lambda d: "मेरी" in d["path"]),
    ('path:"names/back\\\\slash.md"', lambda d: "\\" in d["path"]),
    ("path:.*", lambda d: False),
    ("path:^hr", lambda d: False),
]  # fmt: skip


@pytest.fixture(scope="module")
def handbook(server_url: str, template_database: str) -> Iterator[Library]:
    """Sixty documents of a day each, from 2025 on, and three with names that are hard."""
    from tests.conftest import fresh_database

    plain: dict[str, Any] = {
        "source": "handbook",
        "label": "internal",
        "media_type": "text/markdown",
        "metadata": {},
        "dated_at": None,
    }
    rows: list[dict[str, Any]] = [
        plain | {"path": f"names/{name}.md", "modified_at": None}
        for name in ("Ümläut [1] (x)", "मेरी यात्रा", "back\\slash")
    ]
    for number in range(60):
        rows.append(
            {
                "path": f"{['hr', 'eng/api', 'eng'][number % 3]}/doc {number}.{['md', 'txt'][number % 2]}",
                "source": ["handbook", "wiki"][number % 5 == 0],
                "label": ["internal", "confidential"][number % 4 == 0],
                "media_type": ["text/markdown", "text/plain"][number % 2],
                "metadata": {
                    "author": ["Ada", "Grace Hopper", 'O"Neil'][number % 3],
                    "year": 2000 + number,
                    "tags": [f"tag {number}", "all"],
                },
                "dated_at": datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number) if number % 2 else None,
                "modified_at": datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number if number % 2 == 0 else 999),
            }
        )
    rows = [row | {"id": uuid.uuid4(), "title": "-", "language": None} for row in rows]
    with fresh_database(server_url, template_database) as url:
        corpus = Corpus.create(url)
        connection = connect(url)
        with transaction(connection) as tx:
            _insert(tx, corpus.collection, rows)
        yield Library(connection, corpus, rows)
        connection.close()
        corpus.store.close()


@pytest.mark.parametrize(("expression", "chooses"), FILTERS, ids=[expression for expression, _ in FILTERS])
def test_filters_choose_documents(handbook: Library, expression: str, chooses: object) -> None:
    assert callable(chooses)
    tree = parse_filter(expression)
    assert tree is not None
    found = handbook.found(tree)
    assert found == {row["id"] for row in handbook.rows if chooses(row)}
    listed = handbook.corpus.store.list_documents(handbook.corpus.collection, tree)
    assert {row["id"] for row in listed} == found


def test_a_blank_filter_lists_everything(handbook: Library) -> None:
    listed = handbook.corpus.store.list_documents(handbook.corpus.collection, parse_filter(" "))
    assert len(listed) == len(handbook.rows)
