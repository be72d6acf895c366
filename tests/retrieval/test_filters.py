"""The filter language: what it means, and where it points when it does not understand."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridrag.errors import UsageError
from hybridrag.retrieval import parse_filter
from hybridrag.types import And, Clause, Filter, Not, Or
from tests.retrieval.filtering import clauses, quoted, texts, trees, written

MD, PDF, DOCS = Clause("type", ":", "md"), Clause("type", ":", "pdf"), Clause("path", ":", "docs/**")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \t\n", None),
        ("type:pdf", PDF),
        ("path:docs/** type:md", And((DOCS, MD))),
        ("path:docs/** and type:md", And((DOCS, MD))),
        ("path:docs/**\nAND\ttype:md", And((DOCS, MD))),
        ("type:md or type:pdf", Or((MD, PDF))),
        ("type:md type:pdf or path:docs/**", Or((And((MD, PDF)), DOCS))),
        ("type:md or type:pdf path:docs/**", Or((MD, And((PDF, DOCS))))),
        ("(type:md or type:pdf) path:docs/**", And((Or((MD, PDF)), DOCS))),
        ("(type:md Or type:pdf)path:docs/**", And((Or((MD, PDF)), DOCS))),
        ("((type:md))", MD),
        ("not type:md", Not(MD)),
        ("NOT not type:md", Not(Not(MD))),
        ("not type:md type:pdf", And((Not(MD), PDF))),
        ("not(type:md type:pdf)", Not(And((MD, PDF)))),
        ("type:(md pdf)", Or((MD, PDF))),
        ('type:( md or "pdf" )', Or((MD, PDF))),
        ("type:(md)", MD),
        ("type!=(md pdf)", And((Clause("type", "!=", "md"), Clause("type", "!=", "pdf")))),
        ("not type:(md pdf) path:docs/**", And((Not(Or((MD, PDF))), DOCS))),
        ("meta.author=Ada", Clause("meta.author", "=", "Ada")),
        ('meta.author="Ada Lovelace"', Clause("meta.author", "=", "Ada Lovelace")),
        ('meta.author = "Ada \\"the\\" 1st" type: md', And((Clause("meta.author", "=", 'Ada "the" 1st'), MD))),
        ('meta."first name":Ada', Clause("meta.first name", ":", "Ada")),
        (r'path:"a\\b"', Clause("path", ":", r"a\b")),
        ("label:internal", Clause("label", ":", "internal")),
        ("label<=Confidential", Clause("label", "<=", "Confidential")),
        ("language!=de", Clause("language", "!=", "de")),
        ("date>=2025-01-01", Clause("date", ">=", "2025-01-01")),
        ("date < 2025-01-01T10:00+01:00", Clause("date", "<", "2025-01-01T10:00+01:00")),
        ("meta.a.b-c>1", Clause("meta.a.b-c", ">", "1")),
        ("path:C:/x?y=z", Clause("path", ":", "C:/x?y=z")),
        ("path:report(1).md", Clause("path", ":", "report(1).md")),
        ("(path:report(1).md)", Clause("path", ":", "report(1).md")),
        ("meta.größe=groß", Clause("meta.größe", "=", "groß")),
        ("meta.लेखक:अदा", Clause("meta.लेखक", ":", "अदा")),
        ("path:it's", Clause("path", ":", "it's")),
        ("path:and", Clause("path", ":", "and")),
        ("path:order source:notes", And((Clause("path", ":", "order"), Clause("source", ":", "notes")))),
        ('path="a*b?.md"', Clause("path", "=", "a*b?.md")),
    ],
)
def test_what_it_means(text: str, tree: Filter | None) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    ("text", "message", "at", "hint"),
    [
        ("pth:docs", "unknown field 'pth'", 0, "did you mean path?"),
        ("PATH:docs", "unknown field 'PATH'", 0, "did you mean path?"),
        ("author:Ada", "unknown field 'author'", 0, "meta.author"),
        ("type:pdf lable:public", "unknown field 'lable'", 9, "did you mean label?"),
        ("-type:pdf", "unknown field '-type'", 0, "not type:"),
        ("meta.=x", "unknown field 'meta.'", 0, "did you mean meta.?"),
        ("a", "expected FIELD:VALUE", 0, "for example"),
        ("=x", "expected FIELD:VALUE", 0, "for example"),
        ("type:pdf some words", "expected FIELD:VALUE", 9, "for example"),
        ("type pdf", "expected FIELD:VALUE", 0, "for example"),
        ("!type:pdf", "expected FIELD:VALUE", 0, "for example"),
        ("type:", "a value is missing", 5, "for example"),
        ("type:pdf   meta.author=", "a value is missing", 23, "for example"),
        ("(type:)", "a value is missing", 6, "for example"),
        ("type: and label:public", "a value is missing", 6, "for example"),
        ("type:()", "a value is missing", 6, "for example"),
        ("type:(md or)", "a value is missing", 11, "for example"),
        ("type:(md and pdf)", "a list holds values", 9, "in quotes"),
        ("date>(2024 2025)", "a list has no order", 4, "one value"),
        ("type:pdf and", "a condition is missing", 12, "for example"),
        ("and type:pdf", "a condition is missing", 0, "for example"),
        ("type:pdf or or type:md", "a condition is missing", 12, "for example"),
        ("not", "a condition is missing", 3, "for example"),
        ("type:md ()", "a condition is missing", 9, "for example"),
        ("type:md and (type:pdf or", "a condition is missing", 24, "for example"),
        ("type:md (type:pdf", "parenthesis is never closed", 8, "close it"),
        ("type:(md pdf", "parenthesis is never closed", 5, "close it"),
        ("type:md) type:pdf", "parenthesis closes nothing", 7, "quotes"),
        ('meta.author="Ada', "quote is never closed", 12, "close it"),
        ('meta.author="Ada\\"', "quote is never closed", 12, '\\"'),
        ('type:pdf meta.author="Ada"x', "expected a blank", 26, "quotes"),
        ('meta.author=Ada"x"', "a quote inside a value", 15, "quotes"),
        ('type:""', "empty value", 5, "give a value"),
        ("type==pdf", "unknown comparison", 4, "did you mean =?"),
        ("date=>2025", "unknown comparison", 4, "did you mean >=?"),
        ("date=<2025", "unknown comparison", 4, "did you mean <=?"),
        ("type<>pdf", "unknown comparison", 4, "did you mean !=?"),
        ("path<a", "path has no order", 4, "by :, = or !="),
        ("path=docs/**", "= takes no wildcards", 5, "path:docs/**"),
        ("title!=Int?o", "!= takes no wildcards", 7, "not title:Int?o"),
        ("label:secrt", "unknown label 'secrt'", 6, "did you mean secret?"),
        ("label:p*", "unknown label 'p*'", 6, "labels: public"),
        ("language:german", "unknown language 'german'", 9, "did you mean de?"),
        ("language=pt-BR", "unknown language 'pt-BR'", 9, "did you mean pt?"),
        ("language:zzz", "unknown language 'zzz'", 9, "two letters"),
        ("date:2025-13", "'2025-13' is no date", 5, "2025-01-31"),
        ("date>=2025-02-29", "'2025-02-29' is no date", 6, "2025-01-31"),
        ("date:yesterday", "'yesterday' is no date", 5, "2025-01-31"),
        ("date:2025*", "'2025*' is no date", 5, "2025-01-31"),
        ("date:0000", "'0000' is no date", 5, "2025-01-31"),
        ("date:٢٠٢٥", "'٢٠٢٥' is no date", 5, "2025-01-31"),
        ("meta.due<2025-02-30", "'2025-02-30' is no date", 9, "2025-01-31"),
        ("meta.due<2025-02-01T10:00", "compared by day", 9, "2025-02-01"),
        ("path:a\0b", "this is no text", 6, "UTF-8"),
        ('path:"\ud800"', "this is no text", 6, "UTF-8"),
        ("path:" + "a*" * 33, "33 wildcards", 5, "at most 32"),
    ],
)
def test_an_error_points_at_its_place(text: str, message: str, at: int, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_filter(text)
    shown, caret = caught.value.shown
    assert len(shown) == min(len(text), at + 60) + (len(text) > at + 60)
    assert caret == " " * at + "^"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        ("title:日本語", 12),
        ("title:🙂🙂", 10),
        ("title:ｆｕｌｌ", 14),
        ("title:e\u0301e\u0301", 8),
        ("title:Ⅷé", 8),
        ("title:\x1b[31m", 11),
        ("title:\u202eabc\u200d", 11),
        ("title:x\x85\t", 9),
    ],
)
def test_the_caret_stands_under_its_place_on_a_terminal(before: str, columns: int) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(f"{before} pth:docs")
    shown, caret = caught.value.shown
    assert caret == " " * (columns + 1) + "^"
    assert shown.endswith(" pth:docs")
    assert shown.isprintable()


def test_of_a_long_expression_the_place_is_shown() -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter("type:md " * 40 + "pth:docs " + "type:md " * 40)
    shown, caret = caught.value.shown
    assert shown[len(caret) - 1 :].startswith("pth:docs type:md")
    assert shown.startswith("…")
    assert shown.endswith("…")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path:" + "x" * 9_996, "10,001 characters"),
        ("word " * 10_000, "50,000 characters"),
        ("(" * 51 + "type:md" + ")" * 51, "nested too deeply"),
        ("not " * 51 + "type:md", "nested too deeply"),
        ("not (" * 2_000, "nested too deeply"),
        ("type:md " * 201, "too many conditions"),
        (f"type:({'md ' * 201})", "too many conditions"),
        (f"path:({'*.md ' * 29})", "too many values with wildcards"),
    ],
)
def test_what_is_too_much(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_filter(text)
    assert "at most" in caught.value.hint
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "text",
    [
        "path:" + "x" * 9_995,
        "(" * 50 + "type:md" + ")" * 50,
        "(type:md) " * 200,
        f"path:({'*.md ' * 28}) path:({'a.md ' * 172})",
        "path:" + "a*" * 32,
    ],
)
def test_what_is_just_not_too_much(text: str) -> None:
    assert parse_filter(text) is not None


_PIECES = ["path", "type:", "label", "meta.", "date", "2025", ":", "=", "!=", "<", ">=", '"', "\\", " ", "\n", "(", ")"]


@given(
    st.lists(
        st.sampled_from([*_PIECES, "and", "or", "not", "a b", "*", "\0", "\ud800", "é", "🙂"]) | st.text(max_size=5),
        max_size=14,
    ).map("".join)
)
@example('path:"\ud800"')
@example("path:\0")
@example("path:\udfff*")
@example("\ud800:x")
@example("meta.x<0000")
@example("and or not")
@example('""""""')
@example(":" * 500)
@example("x")
@example("date:" + "9" * 500)
@example("meta.x>" + "9" * 500)
def test_anything_else_is_a_usage_error(text: str) -> None:
    try:
        tree = parse_filter(text)
    except UsageError as exc:
        first, (shown, caret) = exc.message, exc.shown
        assert first.startswith("--filter: ")
        assert first.isprintable()
        assert shown.isprintable()
        assert caret.strip() == "^"
        assert exc.hint
    else:
        assert (tree is None) == (not text.strip())
        for clause in _conditions(tree):
            assert clause.value
            assert "\0" not in clause.value
            assert clause.field.encode()
            assert clause.value.encode()


@given(texts)
def test_any_text_can_be_quoted(value: str) -> None:
    text = f"meta.{quoted(value)}={quoted(value)} type:md"
    assert parse_filter(text) == And((Clause(f"meta.{value}", "=", value), MD))


@given(trees(clauses(words=["docs/a.md", "Ada"], keys=["author", "a.b"])))
def test_a_tree_written_down_is_read_as_itself(tree: Filter) -> None:
    if sum("*" in clause.value or "?" in clause.value for clause in _conditions(tree)) <= 28:
        assert parse_filter(written(tree)) == tree


def _conditions(tree: Filter | None) -> list[Clause]:
    if tree is None or isinstance(tree, Clause):
        return [tree] if tree else []
    parts = (tree.part,) if isinstance(tree, Not) else tree.parts
    return [clause for part in parts for clause in _conditions(part)]
