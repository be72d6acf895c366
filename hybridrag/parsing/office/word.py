"""DOCX to Markdown, by way of HTML.

mammoth reads the file, because kreuzberg 4.10 drops every XML entity of a DOCX: `AT&amp;T` became `ATT` and
`week&apos;s` became `weeks` (docs/decisions/0003, 0047). What mammoth itself would drop is put into forms that it
reads: formulas become one line of text, the elements that only wrap text are taken for what they wrap, and the numbers
of headings and clauses are written out.
"""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from xml.parsers.expat import ExpatError

from hybridrag.parsing.html.reading import to_markdown
from hybridrag.parsing.office.formulas import linear
from hybridrag.parsing.office.numbering import Numbering
from hybridrag.parsing.office.package import Package, broken_xml, local
from hybridrag.parsing.office.word_marks import with_marks
from hybridrag.parsing.parsed import UnreadableError
from hybridrag.parsing.refusals import broken, fault

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WRAPPING = {"fldSimple", "customXml", "bdo", "dir", "moveTo"}
_DROPPED = re.compile(rb"<(?:\w+:)?(?:fldSimple|customXml|bdo|dir|moveTo|oMath)[\s>/]")
_STYLES = r"""
p[style-name='Title'] => h1:fresh
p[style-name='Source Code'] => pre:separator('\n')
p[style-name='Preformatted Text'] => pre:separator('\n')
p[style-name='HTML Preformatted'] => pre:separator('\n')
p[style-name='Plain Text'] => pre:separator('\n')
p[style-name='caption'] => p > em:fresh
p[style-name='Table Caption'] => p > em:fresh
p[style-name='Table'] => p > em:fresh
"""
_NOTE = re.compile(r'<sup><a href="#(?:foot|end)note-[^"]*" id="[^"]*">\[(\d+)\]</a></sup>')
_WAY_BACK = re.compile(r' ?<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')
_ANCHOR = re.compile(r'<a id="[^"]*"></a>')


def word_markdown(package: Package) -> str:
    """The document as Markdown. Footnotes stand at its end."""
    import mammoth

    try:
        converted = mammoth.convert_to_html(
            io.BytesIO(_readable(package)),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(lambda _: {"src": ""}),
            external_file_access=False,
        )
    except UnreadableError:
        raise
    except (zipfile.BadZipFile, zipfile.LargeZipFile, KeyError, ValueError, OSError, EOFError, AttributeError):
        raise broken() from None
    except (MemoryError, RecursionError):
        raise
    except ExpatError as error:
        raise broken_xml(error) from None
    except Exception:  # mammoth lets the errors of its XML reader through, whatever they are
        raise fault() from None
    html = _ANCHOR.sub("", _WAY_BACK.sub("", _NOTE.sub(r"[^\1]", converted.value)))
    return to_markdown(with_marks(html))


def _readable(package: Package) -> bytes:
    """The file as mammoth needs it: its parts of XML, with nothing in them that it would drop."""
    buffer = io.BytesIO()
    main = package.main_part()
    numbering = Numbering(package, main)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in package.names:
            if name.endswith((".xml", ".rels")):
                part = package.read(name)
                numbered = name == main and bool(numbering)
                if numbered or _DROPPED.search(part):
                    part = _prepared(part, numbering if numbered else None)
                archive.writestr(name, part)
    return buffer.getvalue()


def _prepared(part: bytes, numbering: Numbering | None) -> bytes:
    try:
        root = ElementTree.fromstring(part)  # noqa: S314
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise broken_xml(error) from None
    for parent in list(root.iter()):
        for place, child in enumerate(parent):
            if local(child) in _WRAPPING:
                child.tag = f"{{{_WORD}}}smartTag"
            elif local(child) in {"oMath", "oMathPara"}:
                parent[place] = _run(child, paragraph=local(parent) in {"body", "tc"})
    if numbering:
        numbering.write_marks(root)
    return ElementTree.tostring(root)


def _run(formula: Element, *, paragraph: bool) -> Element:
    """A formula as a run of text, in a paragraph of its own where it stands by itself."""
    run = Element(f"{{{_WORD}}}r")
    SubElement(run, f"{{{_WORD}}}t").text = linear(formula)
    if not paragraph:
        return run
    wrapped = Element(f"{{{_WORD}}}p")
    wrapped.append(run)
    return wrapped
