"""Formulas of Office Math (ECMA-376 part 1, 22.1) and MathML on one line: `∑_(i=1)^n x_i=(n(n+1))/2`.

Their characters alone would say another thing: of `n/2` stays `n2`, and the sign of a sum is no character at all.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from hybridrag.parsing.office.package import attribute, local
from hybridrag.parsing.refusals import nested

_DEEPEST = 100


def linear(formula: Element, depth: int = 0) -> str:
    """The formula as people type it: fractions with `/`, `^` and `_` for what is raised and lowered."""
    if depth > _DEEPEST:
        raise nested()
    name = local(formula)
    if name == "t":
        return formula.text or ""
    if name in _MATHML_WORDS:
        return " ".join((formula.text or "").split())
    if name in _MATHML:
        places = dict(zip(_MATHML[name], (linear(part, depth + 1) for part in formula), strict=False))
        written = _FORMS[_MATHML_FORMS.get(name, "sSubSup")](formula, places)
        return f"{written} " if len(formula) and local(formula[0]) == "mo" else written  # a sum and what it is of
    parts = [(local(part), linear(part, depth + 1)) for part in formula if not local(part).endswith("Pr")]
    if name in _FORMS:
        return _FORMS[name](formula, dict(parts))
    if name == "d":
        inside = _sign(formula, "sepChr", "|").join(said for _, said in parts)
        return f"{_sign(formula, 'begChr', '(')}{inside}{_sign(formula, 'endChr', ')')}"
    return _BETWEEN.get(name, "").join(said for _, said in parts)


def _fraction(_: Element, said: dict[str, str]) -> str:
    return f"{_together(said.get('num', ''))}/{_together(said.get('den', ''))}"


def _with_scripts(_: Element, said: dict[str, str]) -> str:
    return _together(said.get("e", "")) + _scripts(said.get("sub", ""), said.get("sup", ""))


def _sum(formula: Element, said: dict[str, str]) -> str:
    return f"{_sign(formula, 'chr', '∫')}{_scripts(said.get('sub', ''), said.get('sup', ''))} {said.get('e', '')}"


def _root(_: Element, said: dict[str, str]) -> str:
    degree = said.get("deg", "")
    return f"√{f'[{degree}]' if degree else ''}({said.get('e', '')})"


def _scripts(lowered: str, raised: str) -> str:
    return (f"_{_together(lowered)}" if lowered else "") + (f"^{_together(raised)}" if raised else "")


def _together(part: str) -> str:
    """In brackets where it is more than a word, so that what belongs together stays together."""
    return part if part.isalnum() or len(part) <= 1 else f"({part})"


def _sign(element: Element, name: str, usual: str) -> str:
    """A sign that an element sets, which may be none; `usual` where it says nothing of it."""
    for item in (item for group in element if local(group).endswith("Pr") for item in group):
        if local(item) == name:
            return attribute(item, "val")
    return usual


_FORMS: dict[str, Callable[[Element, dict[str, str]], str]] = {
    "f": _fraction,
    "sSup": _with_scripts,
    "sSub": _with_scripts,
    "sSubSup": _with_scripts,
    "sPre": _with_scripts,
    "limLow": lambda _, said: f"{said.get('e', '')}_{_together(said.get('lim', ''))}",
    "limUpp": lambda _, said: f"{said.get('e', '')}^{_together(said.get('lim', ''))}",
    "nary": _sum,
    "rad": _root,
    "func": lambda _, said: f"{said.get('fName', '')} {said.get('e', '')}",
}
_MATHML_WORDS = frozenset({"mi", "mn", "mo", "mtext"})
_MATHML = {
    "msup": ("e", "sup"), "msub": ("e", "sub"), "msubsup": ("e", "sub", "sup"), "munder": ("e", "sub"),
    "mover": ("e", "sup"), "munderover": ("e", "sub", "sup"), "mfrac": ("num", "den"), "msqrt": ("e",),
    "mroot": ("e", "deg"),
}  # fmt: skip
"""Elements of MathML (https://www.w3.org/TR/MathML3), and what each of their parts is called in Office Math."""
_MATHML_FORMS = {"mfrac": "f", "msqrt": "rad", "mroot": "rad"}
_BETWEEN = {"m": "; ", "eqArr": "; ", "mr": " ", "mtable": "; ", "mtr": " "}
