"""Driving licences, vehicles and passports in forms that need no label: dashed US licences, plates, VINs, MRZ lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, stands_free, view
from hybridrag.types import Span

# Florida and Illinois, Wisconsin, Maryland, Michigan, New Jersey, Kentucky: Soundex letter, then groups of their own.
_DASHED = (
    rb"\b[A-Z][0-9]{3}[- ][0-9]{3}[- ][0-9]{2}[- ][0-9]{3}[- ][0-9]\b|\b[A-Z][0-9]{3}-[0-9]{4}-[0-9]{4}(?:-[0-9]{2})?\b"
    rb"|\b[A-Z](?:[ -][0-9]{3}){4}\b|\b[A-Z][0-9]{4} [0-9]{5} [0-9]{5}\b|\b[A-Z][0-9]{2}-[0-9]{3}-[0-9]{3}\b"
)
# Road vehicles carry 17 characters without I, O and Q (ISO 3779); position 9 checks North American ones.
_VIN = rb"\b[A-HJ-NPR-Z0-9]{17}\b"
_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_PLATE = rb"\b[A-Z\xe9]{1,3}(?:-| - )[A-Z]{1,2}[ -]?[1-9][0-9]{0,3}[EH]?\b"
_CANDIDATE = rb"(" + _DASHED + rb")|(" + _VIN + rb")|(?:" + _PLATE + rb")"
_MRZ = (
    rb"[PIACV][A-Z<][A-Z<]{3}[A-Z0-9<]{25,39}|[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{6}[0-9][MFX<][0-9]{6}[0-9][A-Z0-9<]{2,16}"
    rb"|[0-9]{6}[0-9][MFX<][0-9]{6}[0-9][A-Z<]{3}[A-Z0-9<]{11}[0-9]|[A-Z]+(?:<[A-Z]+)*<<[A-Z<]{8,38}"
)

# What the states of the USA print (AAMVA, DL/ID number formats): letters before, between or behind 5 to 14 digits.
_LICENCE_SHAPE = (
    rb"(?:[A-Z]{1,3}[ -]?[0-9]{5,14}[A-Z]{0,2}|[A-Z][0-9]{2,4}(?:[ -][0-9]{2,6}){1,4}"
    rb"|[A-Z]{3,7}\*{0,2}[0-9]{3}[A-Z0-9]{2}"
    rb"|[0-9]{2,3}[A-Z]{2,3}[0-9]{4,5}|[A-Z]{3}-[0-9]{2}-[0-9]{4}|[A-Z][0-9][A-Z][0-9][A-Z]|[0-9]{7,10}[A-Z]?|[0-9]{12}|[0-9]{6}-[0-9]{3}"
    rb"|[0-9]{2,3}(?:[ -][0-9]{3,4}){2,3})"
)
_LICENCE_NEAR = (
    rb"(?i:\blicen[cs]es?\b|\bdriving permit|\bdmv\b|\bf\xe9hrerschein[a-z]{0,10}\b|\bfahrerlaubnis\b)"
    rb"[^\n\x00]{0,48}?[^A-Za-z0-9.\n-](" + _LICENCE_SHAPE + rb")\b"
)
_LICENCE_WORDS = (b"icens", b"icenc", b"ICEN", b"riving permit", b"DMV", b"dmv", b"hrerschein", b"ahrerlaubnis")
_PLATE_NEAR = (
    rb"(?i:\b(?:registration|reg|rego|plates?|kennzeichen|nummernschild|matr\xe9cula|targa|kenteken))\b[.]?"
    rb"(?i:[ ](?:numbers?|no[.]?|nr[.]?|mark|plates?|is|was|reads?|reading|lautet|ist|war)){0,3}[ ]?[:#(\"]?[ ]?"
    rb"([A-Z0-9\xe9]{1,8}(?:(?:[ -]|[ ]-[ ])[A-Z0-9\xe9]{1,7}){0,3})\b"
)

# Fahrzeug-Zulassungsverordnung, Anlage 1: the districts' letters in use.
_LETTERS = """
A AA AB ABG AC AE AH AIB AIC AK ALF ALZ AM AN ANA ANK AP APD ARN ART AS ASL ASZ AT AU AUR AW AZ AZE AÖ B BA BAD BAR BB
BBG BBL BC BD BED BER BF BGD BGL BH BI BID BIN BIR BIT BIW BK BKS BL BLB BLK BM BN BNA BO BOG BOH BOR BOT BP BRA BRB
BRG BRI BRK BRL BRV BS BSB BSK BT BTF BW BWL BYL BZ BZA BÖ BÜD BÜR BÜS BÜZ C CA CAS CB CE CHA CLP CLZ CO COC COE CR
CUX CW D DA DAH DAN DAU DBR DD DE DEG DEL DGF DH DI DIL DIN DIZ DKB DL DLG DM DN DO DON DS DT DU DW DZ DÜW E EA EB EBE
EBN EBS ECK ED EE EF EG EH EHI EI EIC EIL EIN EIS EL EM EMD EMS EN ER ERB ERH ERK ERZ ES ESB ESW EU EW F FB FD FDB FDS
FEU FF FFB FG FH FI FKB FL FLÖ FN FO FOR FR FRG FRI FRW FS FT FTL FZ FÜ FÜS G GA GAN GAP GC GD GDB GE GEL GEO GER GF
GG GHA GHC GI GK GL GLA GM GMN GN GNT GOA GOH GP GR GRA GRH GRI GRM GRZ GS GT GTH GUB GUN GV GVM GW GZ GÖ GÜ H HA HAB
HAL HAM HAS HB HBN HBS HC HCH HD HDH HDL HE HEB HEF HEI HER HET HF HG HGN HGW HH HHM HI HIG HIP HK HL HM HMÜ HN HO HOG
HOH HOL HOM HOR HOT HP HR HRO HS HSK HST HU HV HVL HWI HX HY HZ IGB IK IL ILL IN IZ J JE JEV JL JÜL K KA KB KC KE KEH
KEL KEM KF KG KH KI KIB KK KL KLE KLZ KM KN KO KR KRU KS KT KU KUS KW KY KYF KÖN KÖT KÖZ KÜN L LA LAN LAU LB LBS LBZ
LC LD LDK LDS LEO LER LEV LF LG LH LI LIB LIF LIP LL LM LN LOS LP LR LRO LSA LSN LSZ LU LUP LWL LÖ LÖB LÜD LÜN M MA
MAB MAI MAK MAL MB MC MD ME MED MEG MEI MEK MEL MER MET MG MGH MGN MH MHL MI MIL MK MKK ML MM MN MO MOD MOL MON MOS MQ
MR MS MSE MSH MSP MST MTK MTL MW MY MYK MZ MZG MÜ MÜB MÜL MÜN MÜR N NAB NAI NAU NB ND NDH NE NEA NEB NEC NEN NES NEU
NEW NF NH NI NK NL NM NMB NMS NOH NOL NOM NOR NP NR NRW NT NU NVP NW NWM NY NZ NÖ OA OAL OB OBB OBG OC OCH OD OE OF OG
OH OHA OHV OHZ OK OL OLD OP OPR OR OS OSL OT OTW OVI OVL OVP P PA PAF PAN PAR PB PCH PE PEG PF PI PIR PL PLÖ PM PN PR
PRÜ PS PW PZ QFT QLB R RA RC RD RDG RE REG REH REI RG RH RI RID RIE RL RM RN RO ROD ROF ROH ROK ROL ROS ROT ROW RP RS
RSL RT RU RV RW RY RZ RÜD RÜG S SAB SAD SAL SAN SAW SB SBG SBK SC SCZ SDH SDL SDT SE SEB SEE SEF SEL SFB SFT SG SGH
SHA SHG SHK SHL SI SIG SIM SK SL SLE SLF SLK SLN SLS SLZ SLÜ SM SMÜ SN SO SOB SOG SOK SON SP SPB SPN SR SRB SRO ST STA
STB STD STE STL STO SU SUL SW SWA SY SZ SZB SÖM SÜW TBB TDO TE TET TF TG THL THW TIR TO TP TR TS TT TUT TÖL TÜ UE UEM
UER UFF UH UL UM UN USI V VAI VB VEC VER VG VIB VIE VIT VK VL VOH VR VS W WA WAF WAK WAN WAR WAT WB WBS WDA WE WEL WEN
WER WES WF WG WHV WI WIL WIS WIT WIZ WK WL WLG WM WMS WN WND WO WOB WOH WOL WOR WOS WR WRN WS WSF WST WSW WT WTL WTM
WUG WUN WUR WW WZ WZL WÜ WÜM X Y Z ZE ZEL ZI ZIG ZP ZR ZW ZZ ÖHR
"""
_DISTRICTS = frozenset(_LETTERS.split())
_CAPITALS = re.compile(r"[A-ZÄÖÜ]{1,3}")


def licences(text: str) -> Iterator[Span]:
    """LICENCE, PLATE and PASSPORT spans of `text` that stand without a label; spans may overlap."""
    data = view(text)
    for match in compiled(_CANDIDATE).finditer(data):
        start, end = match.span()
        if match.lastindex == 1:
            if data[max(0, start - 1) : start] not in {b"-", b".", b"/"}:
                yield Span(start, end, "LICENCE", "licence-dashed")
        elif match.lastindex == 2:
            if vehicle_number(match.group().decode("ascii")):
                yield Span(start, end, "PLATE", "vin")
        elif _german_plate(text, data, start, end):
            yield Span(start, end, "PLATE", "plate-german")
    yield from _named(data)
    if b"<<" in data:
        for match in compiled(_MRZ).finditer(data):
            if b"<" in match.group() and stands_free(data, *match.span()):
                yield Span(match.start(), match.end(), "PASSPORT", "passport-mrz")


def _named(data: bytes) -> Iterator[Span]:
    """Licences and plates in the shapes of their countries, close to a word that names them."""
    if any(word in data for word in _LICENCE_WORDS):
        for match in compiled(_LICENCE_NEAR).finditer(data):
            if _GROUPED_DATE.fullmatch(match.group(1)) is None:
                yield Span(match.start(1), match.end(1), "LICENCE", "licence-near")
    for match in compiled(_PLATE_NEAR).finditer(data):
        start, end = match.start(1), _plate_end(match.group(1)) + match.start(1)
        if end > start:
            yield Span(start, end, "PLATE", "plate-named")


_GROUPED_DATE = re.compile(rb"(?:19|20)\d\d[ -]?[01]\d[ -]?[0-3]\d|[0-3]\d[ -]?[01]\d[ -]?(?:19|20)\d\d")


def _plate_end(written: bytes) -> int:
    """The length of the plate that `written` begins with: four to ten letters and digits, some of each; 0 for none."""
    groups = re.split(rb"( - |[ -])", written)
    for count in range(len(groups), 0, -2):
        plate = b"".join(groups[:count])
        size = sum(1 for byte in plate if byte not in b" -")
        digits = sum(48 <= byte <= 57 for byte in plate)
        if 4 <= size <= 10 and 0 < digits < size:
            return len(plate)
    return 0


def _german_plate(text: str, data: bytes, start: int, end: int) -> bool:
    """Whether `text[start:end]` is one as "B-AB 1234": a district in use, and three digits or more."""
    district = _CAPITALS.match(text, start, min(end, start + 3))
    if district is None or district.group() not in _DISTRICTS or not stands_free(data, start, end):
        return False
    if data[max(0, start - 1) : start] in {b"-", b"/", b"_"} or data[end : end + 1] in {b"-", b"_"}:
        return False
    digits = sum(48 <= byte <= 57 for byte in data[start:end])
    return digits >= 3 and (b" " in data[start:end] or len(district.group()) > 1)


def vehicle_number(number: str) -> bool:
    """Whether a VIN of 17 characters has the check digit of 49 CFR 565.15, letters and digits both."""
    if number.isdigit() or number.isalpha():
        return False
    total = sum(
        (_VALUES[char] if char.isalpha() else int(char)) * weight
        for char, weight in zip(number, _VIN_WEIGHTS, strict=True)
    )
    return number[8] == "0123456789X"[total % 11]
