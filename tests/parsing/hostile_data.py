"""Files of text formats that were made to hurt: each must cost itself and nothing else.

Sizes are small by default; `scale` multiplies them for a run by hand.
"""

from __future__ import annotations

import json


def files(scale: int = 1) -> dict[str, bytes]:
    """Names and contents, some hundred kilobytes in all at `scale` 1."""
    deep = 20_000 * scale
    aliases = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 30):
        aliases += b"a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 9))
    entities = b'<?xml version="1.0"?>\n<!DOCTYPE lolz [\n<!ENTITY lol0 "lol">\n'
    for level in range(1, 12):
        entities += b'<!ENTITY lol%d "%s">\n' % (level, b"&lol%d;" % (level - 1) * 10)
    entities += b"]>\n<lolz><a><b>&lol11;</b></a></lolz>\n"
    picture = "iVBORw0KGgo" * 10_000 * scale
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "source": ["plot()"],
                "outputs": [{"output_type": "display_data", "data": {"image/png": picture, "text/plain": "<Figure>"}}],
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return {
        "alias-bomb.yaml": aliases,
        "deep.yaml": b"[" * deep,
        "dashes.yaml": b"- " * deep,
        "template.yaml": b"{{- if .Values.on }}\na: b: {{ .c }}\n{{- end }}\n",
        "deep.json": b"[" * deep + b"]" * deep,
        "deep-objects.json": b'{"a":' * deep + b"1" + b"}" * deep,
        "one-line.json": json.dumps([{"id": at, "text": "word " * 20} for at in range(1000 * scale)]).encode(),
        "unclosed.json": b'{"a": [1, 2, {"b": "c',
        "quotes.json": b'"' * (deep + 1),
        "numbers.json": b'{"a": NaN, "a": 1e999999, "b": ' + b"9" * deep + b"}",
        "broken.jsonl": b'{"id": 1}\nnot json\n{"id": 3\n' + b"[" * deep + b"\n",
        "wide.csv": b",".join(b"c%d" % at for at in range(deep)) + b"\n" + b"1," * (deep - 1) + b"1\n",
        "unclosed.csv": b'a,b\n1,2\n"' + b"x" * deep,
        "quotes.csv": b"a,b\n1,2\n" + b',"' * deep,
        "nuls.txt": b"words\0" * deep,
        "binary.txt": bytes(range(256)) * 64,
        "truncated-utf16.txt": "A sentence that ends too ear".encode("utf-16")[:-1],
        "parentheses.py": b"x = " + b"(\n" * deep + b")\n" * deep,
        "unclosed.py": b"(\n" * deep,
        "nested.js": b"{[\n" * deep,
        "templates.cpp": b"a<\n" * (deep // 10),
        "minified.js": b"var a=function(){return 1};" * deep,
        "classes.rb": b"class A\n" * deep,
        "picture.ipynb": json.dumps(notebook).encode(),
        "deep.ipynb": b'{"cells": ' + b"[" * deep,
        "entities.xml": entities,
        "deep.xml": b"<a>" * deep,
        "open.xml": b"<a b='" * deep,
        "dtd.xml": b"<!DOCTYPE a [" * deep,
        "comments.xml": b"<!--" * deep,
        "quotes.toml": b'"""' * (deep | 1),
        "brackets.toml": b"[a" + b" " * deep,
        "include.rst": b".. include:: /etc/passwd\n.. raw:: html\n   :file: /etc/passwd\n\nText stays.\n",
        "borders.rst": b"=== ===\na b\n" * deep,
        "ticks.rst": b"`" * deep + b"\n====\n",
        "blocks.org": b"#+begin_src\n" * deep,
        "fences.adoc": b"".join(b"-" * (4 + at % 90) + b"\n" for at in range(deep)),
        "braces.tex": b"\\section{" * deep,
        "input.tex": b"\\input{/etc/passwd}\\section{One}\n\\write18{touch /tmp/x}\n",
        "stars.md": b"*a _b " * (deep // 10),
        "brackets.md": b"[" * deep,
        "quotes.md": b">" * (deep // 10) + b" a\n",
        "code.sql": b"CREATE " * deep + b"$$" + b"$a$" * deep,
    }
