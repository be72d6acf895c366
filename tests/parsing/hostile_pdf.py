"""PDF files made to loop, to blow up or to lie, each a few KB: `files()` makes them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import cache

Object = str | bytes
_CATALOG = "<</Type/Catalog/Pages 2 0 R>>"
_ONE_PAGE = "<</Type/Pages/Kids[3 0 R]/Count 1>>"
_FONT = "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
_WORDS = b"BT /F1 12 Tf 72 720 Td (The words of the page.) Tj ET"


def files() -> dict[str, bytes]:
    """The files by name."""
    return {f"{make.__name__.replace('_', '-')}.pdf": make() for make in _MAKERS}


def page_tree_loop() -> bytes:
    return written([_CATALOG, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"])


def page_that_is_its_own_parent() -> bytes:
    return written([_CATALOG, _ONE_PAGE, "<</Type/Page/Parent 3 0 R/Contents 4 0 R>>", stream(_WORDS)])


def count_that_lies() -> bytes:
    return written([_CATALOG, "<</Type/Pages/Kids[3 0 R]/Count 2000000000>>", _page(), stream(_WORDS)])


def hundred_thousand_pages() -> bytes:
    """One page, listed so often."""
    return written([_CATALOG, f"<</Type/Pages/Kids[{'3 0 R ' * 100_000}]/Count 100000>>", _page(), stream(_WORDS)])


def outline_loop() -> bytes:
    """Entries that follow and hold each other. The words can be read."""
    return written(
        [
            "<</Type/Catalog/Pages 2 0 R/Outlines 5 0 R>>",
            _ONE_PAGE,
            _page(),
            stream(_WORDS),
            "<</Type/Outlines/First 6 0 R/Last 7 0 R/Count 2>>",
            "<</Title(One)/Parent 5 0 R/Next 7 0 R/First 6 0 R/Dest[3 0 R/Fit]>>",
            "<</Title(Two)/Parent 5 0 R/Next 6 0 R/First 5 0 R/Dest[3 0 R/XYZ 0 1e38 0]>>",
        ]
    )


def tags_that_hold_each_other() -> bytes:
    """A table in its own row, and rows without end. The words can be read."""
    table = "<</Type/StructElem/S/Table/P 7 0 R/K[7 0 R 6 0 R 0]>>"
    return _tagged([table, "<</Type/StructElem/S/TR/P 6 0 R/Pg 3 0 R/K[6 0 R 7 0 R 0]>>"])


def deep_tags() -> bytes:
    """Two thousand headings, each in the one before. The words can be read."""
    last = 2_006
    chain = [f"<</Type/StructElem/S/H1/P {at - 1} 0 R/Pg 3 0 R/K[{at + 1} 0 R]>>" for at in range(6, last)]
    return _tagged([*chain, f"<</Type/StructElem/S/H1/P {last - 1} 0 R/Pg 3 0 R/K 0>>"])


def hundred_thousand_tags() -> bytes:
    """A table of one row, held so often. The words can be read."""
    table = f"<</Type/StructElem/S/Table/P 5 0 R/K[{'7 0 R ' * 100_000}]>>"
    return _tagged([table, f"<</Type/StructElem/S/TR/P 6 0 R/Pg 3 0 R/K[{'0 ' * 100_000}]>>"])


def form_that_draws_itself() -> bytes:
    body = stream(b"/X Do", "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>")
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</X 5 0 R>>>>/Contents 4 0 R>>"
    return written([_CATALOG, _ONE_PAGE, page, stream(b"/X Do"), body])


def billion_forms() -> bytes:
    """A form that draws ten that draw ten, nine times over: years of drawing."""
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</X 5 0 R>>>>/Contents 4 0 R>>"
    objects: list[Object] = [_CATALOG, _ONE_PAGE, page, stream(b"/X Do")]
    for number in range(9):
        next_form = f"/Resources<</XObject<</X {number + 6} 0 R>>>>"
        objects.append(stream(b"/X Do " * 10, f"/Type/XObject/Subtype/Form/BBox[0 0 9 9]{next_form}"))
    objects.append(stream(_WORDS, f"/Type/XObject/Subtype/Form/BBox[0 0 9 9]{_FONT}"))
    return written(objects)


def endless_decode() -> bytes:
    """A page of 256 MB in 1 KB: deflated twice."""
    return written([_CATALOG, _ONE_PAGE, _page(), _bomb()])


def object_bomb() -> bytes:
    """A stream of objects that unpacks to 256 MB."""
    return written([_CATALOG, _ONE_PAGE, _page(contents="9 0 R"), _bomb("/Type/ObjStm/N 1000000/First 10000000")])


def thousand_filters() -> bytes:
    return written([_CATALOG, _ONE_PAGE, _page(), stream(b"00>", f"/Filter[{'/ASCIIHexDecode' * 1000}]")])


def length_of_itself() -> bytes:
    return written([_CATALOG, _ONE_PAGE, _page(), b"<</Length 4 0 R>>stream\n" + _WORDS + b"\nendstream"])


def deep_arrays() -> bytes:
    return written([_CATALOG, _ONE_PAGE, f"<</Type/Page/Parent 2 0 R/MediaBox {'[' * 200_000}>>"])


def negative_boxes() -> bytes:
    """A page of less than no size. The words can be read."""
    return written([_CATALOG, _ONE_PAGE, _page(box="[9 9 -99999999 -99999999]/Rotate -450"), stream(_WORDS)])


def endless_page() -> bytes:
    """A page as large as numbers go, with nothing but a box drawn on it: a picture of it would fill any memory."""
    box = "[-3e38 -3e38 3e38 3e38]/UserUnit 3e38"
    return written([_CATALOG, _ONE_PAGE, _page(box=box), stream(b"0 0 9e37 9e37 re f")])


def picture_bomb() -> bytes:
    """A scan of 60,000 by 60,000 points: 450 MB, or 3.6 GB in grey."""
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</X 5 0 R>>>>/Contents 4 0 R>>"
    image = "/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 1/ColorSpace/DeviceGray"
    drawing = stream(b"600 0 0 700 0 0 cm /X Do")
    return written([_CATALOG, _ONE_PAGE, page, drawing, _bomb(image, unit=b"\x55")])


def table_of_tables() -> bytes:
    """A cross-reference table that names itself as the one before."""
    whole = written([_CATALOG, _ONE_PAGE, _page(), stream(_WORDS)])
    at = int(whole.rpartition(b"startxref\n")[2].split()[0])
    return whole.replace(b"trailer<<", b"trailer<</Prev %d" % at)


def cut_short() -> bytes:
    whole = written([_CATALOG, _ONE_PAGE, _page(), stream(_WORDS)])
    return whole[: len(whole) // 3]


def locked_by_nothing_known() -> bytes:
    whole = written([_CATALOG, _ONE_PAGE, _page(), stream(_WORDS)])
    lock = b"/Encrypt<</Filter/Unheard/V 99/R 99/O(x)/U(x)/P -1>>/ID[(a)(b)]"
    return whole.replace(b"trailer<<", b"trailer<<" + lock)


def written(objects: Sequence[Object]) -> bytes:
    """A PDF file of these objects; the first is its catalog."""
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + (body if isinstance(body, bytes) else body.encode()) + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def stream(body: bytes, entries: str = "") -> bytes:
    return f"<<{entries}/Length {len(body)}>>stream\n".encode() + body + b"\nendstream"


def _tagged(elements: Sequence[Object]) -> bytes:
    """A page with tags: object 6 and those after it, of which the last holds the page's words."""
    last = 5 + len(elements)
    root = f"<</Type/StructTreeRoot/K 6 0 R/ParentTree<</Nums[0[{last} 0 R]]>>>>"
    page = _page(box="[0 0 612 792]/StructParents 0")
    catalog = "<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>/StructTreeRoot 5 0 R>>"
    return written([catalog, _ONE_PAGE, page, stream(b"/P<</MCID 0>>BDC " + _WORDS + b" EMC"), root, *elements])


def _page(*, box: str = "[0 0 612 792]", contents: str = "4 0 R") -> str:
    return f"<</Type/Page/Parent 2 0 R/MediaBox{box}{_FONT}/Contents {contents}>>"


def _bomb(entries: str = "", *, unit: bytes = b"q ") -> bytes:
    return stream(_deflated(unit), f"{entries}/Filter[/FlateDecode/FlateDecode]")


@cache
def _deflated(unit: bytes) -> bytes:
    packing = zlib.compressobj(1)
    block = unit * (2**22 // len(unit))
    return zlib.compress(b"".join([*(packing.compress(block) for _ in range(64)), packing.flush()]), 9)


_MAKERS: tuple[Callable[[], bytes], ...] = (
    page_tree_loop,
    page_that_is_its_own_parent,
    count_that_lies,
    hundred_thousand_pages,
    outline_loop,
    tags_that_hold_each_other,
    deep_tags,
    hundred_thousand_tags,
    form_that_draws_itself,
    billion_forms,
    endless_decode,
    object_bomb,
    thousand_filters,
    length_of_itself,
    deep_arrays,
    negative_boxes,
    endless_page,
    picture_bomb,
    table_of_tables,
    cut_short,
    locked_by_nothing_known,
)
