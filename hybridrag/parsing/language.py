"""The language of a document: what it declares, else what its words look like.

CLD3 guesses (docs/decisions/0010). It was trained on web pages and always has an answer, also for source code and
tables, so it is given nothing but words, and only where words are most of the text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gcld3 import NNetLanguageIdentifier

_SAMPLE = 4000
"""Characters looked at, from start, middle and end. Twice as many find no more."""
_FEWEST_LETTERS = 10
_MOSTLY_WORDS = 0.5
"""The least share of words in what is not blank. Prose has .7 to 1, source code .15 to .7, a table of numbers less."""
_LONG = 300
"""Letters from which CLD3's own word that it is sure suffices; it wants .7, or .5 where it cannot tell hr from bs."""
_SURE = 0.95
"""The least probability of a guess from fewer letters."""
_LATIN_WEIGHT = 0.5
"""Text in another script is full of Latin names and terms: a third of its letters may still decide."""


_one_at_a_time = threading.Lock()


def declared_language(metadata: Mapping[str, Any]) -> str | None:
    """The ISO 639-1 code of what metadata calls its language: `de`, `de-AT`, `German`. None for anything else."""
    given = next((value for key in ("language", "lang") if isinstance(value := metadata.get(key), str)), "").strip()
    code = re.split("[-_]", given, maxsplit=1)[0].lower()
    return _known(code) or _CODES.get(given.lower())


def guessed_language(text: str) -> str | None:
    """The ISO 639-1 code of the language that most of a text is written in, or None where that is not sure.

    The same text always gives the same answer. At most 4,000 characters are looked at, in less than 1 ms.
    """
    prose, share = _prose(_sample(text))
    letters = len(prose) - prose.count(" ")
    if share < _MOSTLY_WORDS or letters < _FEWEST_LETTERS:
        return None
    with _one_at_a_time:  # an identifier is not thread-safe, nor is making one (github.com/google/cld3/issues/42)
        guess = _identifier().FindLanguage(prose)
    sure = guess.is_reliable if letters >= _LONG else guess.probability >= _SURE
    return _known(guess.language) if sure else None


def _sample(text: str) -> str:
    if len(text) <= _SAMPLE:
        return text
    piece = _SAMPLE // 3
    middle = (len(text) - piece) // 2
    return "\n".join((text[:piece], text[middle : middle + piece], text[-piece:]))


def _prose(text: str) -> tuple[str, float]:
    """The words of a text that are in its main script, and the share of all its words in what is not blank.

    CLD3 takes mixed scripts badly: Chinese between English names became Marathi.
    """
    text = _MARKUP.sub(" ", text)
    words = _WORD.findall(text)
    latin = [word for word in words if _LATIN.fullmatch(word)]
    other = [word for word in words if not _LATIN.fullmatch(word)]
    in_latin, in_other = sum(map(len, latin)), sum(map(len, other))
    share = (in_latin + in_other) / max(1, len("".join(text.split())))
    return " ".join(other if in_other > in_latin * _LATIN_WEIGHT else latin), share


def _known(code: str) -> str | None:
    code = _SAME.get(code, code)
    return code if code in LANGUAGES else None


@cache
def _identifier() -> NNetLanguageIdentifier:
    from gcld3 import NNetLanguageIdentifier

    return NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=4 * _SAMPLE)


_MARKUP = re.compile(r"`[^`\n]*`|<[^<>\n]*>|\]\([^()\s]*\)|\{[^{}\n]*\}|https?://\S+")
_EAST = "\u2e80-\u2fff\u3005-\u3007\u3021-\u302f\u3031-\ufe1f\ufe30-\ufefe\uff21-\uff3a\uff41-\uff5a\uff66-\U0010ffff"
"""From the first Chinese character on, without punctuation: where words have no blanks between them, and beyond."""
_WEST = "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2dff"
# No part of an identifier, a path, a call or an address: `self.write(text)` holds no word.
_WORD = re.compile(rf"[{_EAST}]+|(?<![{_WEST}\w./-])[{_WEST}]++(?:['’-][{_WEST}]++)*+(?![\w(]|[.:/=]\w)")
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u1e00-\u1eff'’-]+")
_SAME = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "sh": "sr"}
"""Codes that mean a language under another code. Both kinds of written Norwegian count as one, as they do for CLD3."""

_NAMES = """
    aa=Afar, ab=Abkhazian, ae=Avestan, af=Afrikaans, ak=Akan, am=Amharic, an=Aragonese, ar=Arabic, as=Assamese,
    av=Avaric, ay=Aymara, az=Azerbaijani, ba=Bashkir, be=Belarusian, bg=Bulgarian, bi=Bislama, bm=Bambara,
    bn=Bengali, bo=Tibetan, br=Breton, bs=Bosnian, ca=Catalan, ce=Chechen, ch=Chamorro, co=Corsican, cr=Cree,
    cs=Czech, cu=Church Slavonic, cv=Chuvash, cy=Welsh, da=Danish, de=German, dv=Divehi, dz=Dzongkha, ee=Ewe,
    el=Greek, en=English, eo=Esperanto, es=Spanish, et=Estonian, eu=Basque, fa=Persian, ff=Fulah, fi=Finnish,
    fj=Fijian, fo=Faroese, fr=French, fy=Western Frisian, ga=Irish, gd=Scottish Gaelic, gl=Galician, gn=Guarani,
    gu=Gujarati, gv=Manx, ha=Hausa, he=Hebrew, hi=Hindi, ho=Hiri Motu, hr=Croatian, ht=Haitian, hu=Hungarian,
    hy=Armenian, hz=Herero, ia=Interlingua, id=Indonesian, ie=Interlingue, ig=Igbo, ii=Sichuan Yi, ik=Inupiaq,
    io=Ido, is=Icelandic, it=Italian, iu=Inuktitut, ja=Japanese, jv=Javanese, ka=Georgian, kg=Kongo, ki=Kikuyu,
    kj=Kuanyama, kk=Kazakh, kl=Kalaallisut, km=Khmer, kn=Kannada, ko=Korean, kr=Kanuri, ks=Kashmiri, ku=Kurdish,
    kv=Komi, kw=Cornish, ky=Kyrgyz, la=Latin, lb=Luxembourgish, lg=Ganda, li=Limburgish, ln=Lingala, lo=Lao,
    lt=Lithuanian, lu=Luba-Katanga, lv=Latvian, mg=Malagasy, mh=Marshallese, mi=Maori, mk=Macedonian, ml=Malayalam,
    mn=Mongolian, mr=Marathi, ms=Malay, mt=Maltese, my=Burmese, na=Nauru, nd=North Ndebele, ne=Nepali, ng=Ndonga,
    nl=Dutch, no=Norwegian, nr=South Ndebele, nv=Navajo, ny=Chichewa, oc=Occitan, oj=Ojibwa, om=Oromo, or=Odia,
    os=Ossetian, pa=Punjabi, pi=Pali, pl=Polish, ps=Pashto, pt=Portuguese, qu=Quechua, rm=Romansh, rn=Rundi,
    ro=Romanian, ru=Russian, rw=Kinyarwanda, sa=Sanskrit, sc=Sardinian, sd=Sindhi, se=Northern Sami, sg=Sango,
    si=Sinhala, sk=Slovak, sl=Slovenian, sm=Samoan, sn=Shona, so=Somali, sq=Albanian, sr=Serbian, ss=Swati,
    st=Southern Sotho, su=Sundanese, sv=Swedish, sw=Swahili, ta=Tamil, te=Telugu, tg=Tajik, th=Thai, ti=Tigrinya,
    tk=Turkmen, tl=Tagalog, tn=Tswana, to=Tonga, tr=Turkish, ts=Tsonga, tt=Tatar, tw=Twi, ty=Tahitian, ug=Uyghur,
    uk=Ukrainian, ur=Urdu, uz=Uzbek, ve=Venda, vi=Vietnamese, vo=Volapük, wa=Walloon, wo=Wolof, xh=Xhosa,
    yi=Yiddish, yo=Yoruba, za=Zhuang, zh=Chinese, zu=Zulu
"""
LANGUAGES: Mapping[str, str] = dict(re.findall(r"([a-z]{2})=([^,\n]+)", _NAMES))
"""The languages of ISO 639-1: code and English name."""
_CODES = {name.lower(): code for code, name in LANGUAGES.items()}
