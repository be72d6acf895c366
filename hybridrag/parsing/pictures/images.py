"""Pictures of text, to text: photographs, screenshots, scans, faxes of many pages."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hybridrag.parsing import refusals
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.pictures import ocr
from hybridrag.types import Page

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
_MOST_PIXELS = 80_000_000
"""Of the picture as it is: a page of A3 at 600 dpi has 70 million. Pillow warns from 89 million on."""
_MOST_FRAMES = 2_000
_SMALL = 2_000_000
"""Pixels: less than a page of A4 at 150 dpi, a screenshot say. Tesseract wants letters of 20 pixels and more."""
_PAGE_BREAK = "\n\n"


def parse_image(content: bytes) -> Parsed:
    """The text in the picture, empty where there is none; the pages of a TIFF are pages.

    Raises UnreadableError for one that is broken or too large, and where nothing can read it, which is no failure.
    """
    reader = ocr.current()
    if not reader.program:
        raise reader.refusal(failed=False)
    pictures = ocr.Pictures()
    texts = [pictures.read(picture) for picture in _pictures(content)]
    if not any(texts):
        pictures.refuse_silence()
    pages, start = [], 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(number, start, start + len(text)))
        start += len(text) + len(_PAGE_BREAK)
    whole = _PAGE_BREAK.join(texts) if any(texts) else ""
    return Parsed(
        text=whole, pages=tuple(pages) if whole and len(pages) > 1 else (), notes=pictures.notes(len(texts)), ocr=True
    )


def _pictures(content: bytes) -> Iterator[bytes]:
    """Each page in grey, as a PGM file."""
    import PIL.Image

    try:
        with (
            warnings.catch_warnings(action="error", category=PIL.Image.DecompressionBombWarning),
            PIL.Image.open(io.BytesIO(content), formats=_FORMATS) as image,
        ):
            pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            if pages > _MOST_FRAMES:
                raise refusals.too_many_pages(_MOST_FRAMES, ocr=True)
            for number in range(pages):
                image.seek(number)
                if image.width * image.height > _MOST_PIXELS:
                    raise _too_large()
                yield _pgm(image)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, ArithmeticError):
        raise refusals.broken(ocr=True) from None


def _pgm(image: Image.Image) -> bytes:
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    grey = upright.convert("L")
    size = grey.width * grey.height
    scale = 2.0 if size < _SMALL else min(1.0, math.sqrt(ocr.MOST_PIXELS / size))
    scale = min(scale, ocr.LONGEST_SIDE / max(grey.size))
    if scale != 1.0:
        wanted = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(wanted, Image.Resampling.BICUBIC)
    return b"P5 %d %d 255\n" % grey.size + grey.tobytes()


def _too_large() -> UnreadableError:
    return UnreadableError(
        f"a picture of more than {_MOST_PIXELS // 1_000_000} million pixels", hint="Make it smaller.", ocr=True
    )
