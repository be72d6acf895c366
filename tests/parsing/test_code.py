"""Source code: definitions as headings, the text as written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.code import reading as code
from hybridrag.parsing.code.grammars import GRAMMARS
from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import Parsed

PYTHON = '''#!/usr/bin/env python
"""Stores things – well.

More.
"""

# The store.
@dataclass(
  frozen=True)
class Store(Base):
    """Doc"""

    # öpens
    @cached
    async def open(self, url: str,
             x: int = 1) -> "Store":
        return 1

x = 1  # a remark
def g(a): return a
'''


def _outline(parsed: Parsed) -> list[str]:
    return [f"{heading.level} {heading.title}" for heading in parsed.headings]


def test_definitions_begin_with_what_belongs_to_them() -> None:
    parsed = parse(PYTHON.encode(), "text/x-python")
    assert parsed.text == PYTHON
    assert parsed.title == "Stores things – well."
    assert _outline(parsed) == [
        "1 class Store(Base)",
        '2 async def open(self, url: str, x: int = 1) -> "Store"',
        "1 def g(a)",
    ]
    begun = [parsed.text[heading.start :].lstrip().partition("\n")[0] for heading in parsed.headings]
    assert begun == ["# The store.", "# öpens", "def g(a): return a"]


SAMPLES = {
    "text/javascript": (
        "/** Adds. */\nexport const add = async (a, b) => {\n  return a + b;\n};\nclass Foo extends Bar {\n"
        "  get(x) { return 1 }\n}\n"
        "module.exports.run = function (z) { return 1 };\n",
        [
            "1 export const add = async (a, b)",
            "1 class Foo extends Bar",
            "2 get(x)",
            "1 module.exports.run = function (z)",
        ],
    ),
    "text/x-typescript": (
        "export interface P { a: string }\nexport class A<T> implements P {\n"
        "  private foo<U>(a: U): void {}\n}\nenum E { A }\n",
        ["1 export interface P", "1 export class A<T> implements P", "2 private foo<U>(a: U): void", "1 enum E"],
    ),
    "text/x-tsx": ("const App: React.FC = ({a}) => <div>{a}</div>;\n", ["1 const App: React.FC = ({a})"]),
    "text/x-java": (
        '/** S. */\n@Table(name = "store")\npublic class Store {\n  @Override\n'
        "  public int open(String url) { return 1; }\n"
        "  record R(int a) {}\n}\n",
        ["1 public class Store", "2 public int open(String url)", "2 record R(int a)"],
    ),
    "text/x-go": (
        "package store\n\n// Store is.\ntype Store struct {\n\ta int\n}\n\n"
        "func (s *Store) Open(url string) error {\n\treturn nil\n}\n",
        ["1 type Store struct", "1 func (s *Store) Open(url string) error"],
    ),
    "text/x-rust": (
        "//! A crate.\n\n#[derive(Debug)]\npub struct Store { a: u8 }\n\nimpl Store {\n"
        "    pub fn open(url: &str) -> Self { todo!() }\n}\n",
        ["1 pub struct Store", "1 impl Store", "2 pub fn open(url: &str) -> Self"],
    ),
    "text/x-c": (
        "typedef struct store {\n  int a;\n} store_t;\nstruct node *make(void);\n"
        "static int open_it(const char *url)\n{\n  return 0;\n}\n",
        ["1 typedef struct store", "1 static int open_it(const char *url)"],
    ),
    "text/x-c++": (
        "namespace n {\ntemplate <typename T>\nclass Store {\n  int open() const { return 1; }\n};\n}\n",
        ["1 namespace n", "2 template <typename T> class Store", "3 int open() const"],
    ),
    "text/x-csharp": (
        "namespace A {\n  [Serializable]\n  class Store {\n    public int Count { get; set; }\n"
        "    public Store(int a) { }\n  }\n}\n",
        ["1 namespace A", "2 class Store", "3 public int Count", "3 public Store(int a)"],
    ),
    "text/x-ruby": (
        "module A\n  class Store < Base\n    # opens\n    def open(url)\n      1\n    end\n  end\nend\n",
        ["1 module A", "2 class Store < Base", "3 def open(url)"],
    ),
    "text/x-php": (
        "<?php\n#[Attr]\nclass Store {\n  public function open(string $url): ?Store { return null; }\n}\n"
        "function f($a) { }\n",
        ["1 class Store", "2 public function open(string $url): ?Store", "1 function f($a)"],
    ),
    "text/x-shellscript": (
        "# Hello.\nhello() {\n  echo 1\n}\nfunction bye { echo 2; }\n",
        ["1 hello()", "1 function bye"],
    ),
    "text/x-kotlin": (
        "data class S(val a: Int) {\n  fun open(u: String): Int { return 1 }\n}\n\nobject O {\n}\n",
        ["1 data class S(val a: Int)", "2 fun open(u: String): Int", "1 object O"],
    ),
    "text/x-swift": (
        "public struct S {\n  func a(_ x: Int) -> Int { return 1 }\n}\nextension S: P { }\n",
        ["1 public struct S", "2 func a(_ x: Int) -> Int", "1 extension S: P"],
    ),
    "text/x-scala": (
        "object A {\n  def f(x: Int): Int = { x }\n}\ncase class B(a: Int)\n",
        ["1 object A", "2 def f(x: Int): Int", "1 case class B(a: Int)"],
    ),
    "text/x-lua": (
        "local function f(a)\n  return 1\nend\nM.h = function(c)\n  return 2\nend\n",
        ["1 local function f(a)", "1 M.h = function(c)"],
    ),
    "text/x-sql": (
        "-- Orders\nCREATE TABLE IF NOT EXISTS shop.orders (id int); -- CREATE TABLE x\n"
        "INSERT INTO a VALUES ('CREATE TABLE b');\n"
        "create or replace function f() returns int as $$\ncreate table z(a int);\n$$;\n",
        ["1 CREATE TABLE shop.orders", "1 CREATE OR REPLACE FUNCTION f"],
    ),
}


def test_every_language_has_a_sample() -> None:
    assert {*SAMPLES, "text/x-python"} == {*GRAMMARS, "text/x-sql"}


@pytest.mark.parametrize("kind", SAMPLES)
def test_definitions_of_a_language(kind: str) -> None:
    text, outline = SAMPLES[kind]
    parsed = parse(text.encode(), kind)
    assert parsed.text == text
    assert _outline(parsed) == outline


def test_a_real_file() -> None:
    parsed = parse(Path(code.__file__).read_bytes(), "text/x-python")
    assert parsed.title == code.__doc__.partition("\n")[0] if code.__doc__ else False
    assert "1 class _Offsets" in _outline(parsed)
    assert "2 def __call__(self, place: int) -> int" in _outline(parsed)


def test_a_header_may_be_either_c() -> None:
    assert _outline(parse(b"class A {\n  int f() { return 1; }\n};\n", "text/x-c")) == ["1 class A", "2 int f()"]


def test_broken_and_minified_code_is_text() -> None:
    broken = "def f(:\n    pass\n\nclass A:\n    def g(self):\n        pass\n((("
    parsed = parse(broken.encode(), "text/x-python")
    assert parsed.text == broken
    assert "1 class A" in _outline(parsed)
    minified = "var a=function(){return 1};" * 1000
    parsed = parse(minified.encode(), "text/javascript")
    assert (parsed.text, parsed.headings) == (minified, ())
    assert parsed.notes == ("too long or minified: taken without its structure",)


@given(st.sampled_from(sorted(GRAMMARS)), st.text("aé{}()[]<>:;=\n\"'#/* classdefun", max_size=200))
def test_any_text_keeps_its_places(kind: str, text: str) -> None:
    parsed = code.parse_code(text.encode(), kind)
    starts = [heading.start for heading in parsed.headings]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(parsed.text) for start in starts)
