"""Code in HTML: its text, line by line, and its language."""

from __future__ import annotations

import re

from hybridrag.parsing.html.tree import Node


def code_text(node: Node) -> str:
    pieces: list[str] = []
    waiting: list[Node | str] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            pieces.append(item)
        elif item.tag == "br":
            pieces.append("\n")
        else:
            if item.tag in _CODE_LINES and pieces and not pieces[-1].endswith("\n"):
                pieces.append("\n")
            waiting.extend(reversed(item.children))
    code = "".join(pieces).replace("\xa0", " ")
    return re.sub(r"[ \t]+$", "", code, flags=re.MULTILINE).strip("\n")


def language_of(node: Node) -> str:
    """The language of a code block as its class tells it, in one of the ways that programs do."""
    classes = node.get("class")[:_LONGEST_CLASS].lower()
    found = _LANGUAGE_CLASS.search(f" {classes} ") if classes else None
    language = (found[1] or found[2]) if found else node.get("data-lang") or node.get("data-language")
    if not language and node.tag == "pre" and classes in _PLAIN_LANGUAGE_CLASSES:
        language = classes
    return language if _LANGUAGE.fullmatch(language) and language not in _NO_LANGUAGES else ""


_CODE_LINES = frozenset({"div", "p", "li", "tr"})
_LANGUAGE_CLASS = re.compile(
    r" (?:language|lang|highlight-source|highlight|brush:?)-? ?([a-z0-9+#_.-]+)(?= )"
    r"| source-?code ([a-z0-9+#_.-]+)(?= )"
)
_LANGUAGE = re.compile(r"[a-z0-9][a-z0-9+#_.-]{0,30}", re.IGNORECASE)
_NO_LANGUAGES = frozenset(
    ["default", "none", "plain", "text", "notranslate", "plaintext", "txt", "highlight", "code", "block"]
)
_PLAIN_LANGUAGE_CLASSES = frozenset(
    ["bash", "c", "cpp", "css", "diff", "go", "haskell", "html", "java", "javascript", "json", "kotlin", "lua",
    "markdown", "perl", "php", "python", "r", "ruby", "rust", "scala", "sh", "shell", "sql", "swift", "toml",
    "typescript", "xml", "yaml"]
)  # fmt: skip
_LONGEST_CLASS = 500
