"""What the labels of other people's models and libraries are called here."""

from __future__ import annotations

import re
from functools import cache

_OUTSIDE = frozenset({"O", "OUT", "OUTSIDE", "NONE"})
_SCHEME = re.compile(r"[BIOLUES]-(?=.)|[BILUES]_(?=.)")
_COUNTRY = re.compile(r"(?:US|UK|DE|GERMAN|IN|IT|ES|PL|FI|SE|SG|AU|CA|KR|TH|TR|NG|PH|ZA)_")


def entity_type(label: str) -> str | None:
    """The type for a model's label, without its scheme's prefix; None for what tells nobody who someone is.

    A label that nobody listed becomes a type of its own: its first ten letters, upper case. Quantities, dates and times
    of general models (OntoNotes 5) are left alone: they are in every sentence, and a date of birth has its own label.
    """
    plain = _plain(label)
    if plain in _TYPES:
        return _TYPES[plain]
    if _COUNTRY.match(label.upper()):
        return "ID"  # Presidio names national numbers after their country: US_ITIN, UK_NHS, IN_PAN
    return plain[:10] or "OTHER"


def split_scheme(label: str) -> tuple[str, str]:
    """(prefix, name) of a label in IO, BIO, BIOES or BILOU: ("B", "PER") for `B-PER`; ("O", "") for outside."""
    if label.upper() in _OUTSIDE:
        return "O", ""
    if _SCHEME.match(label):
        return label[0], label[2:]
    return "I", label


@cache
def _plain(label: str) -> str:
    return re.sub("[^A-Z]", "", label.upper())


# CoNLL-2003 and WikiNEuRal, OntoNotes 5, ai4privacy's and Presidio's names, and what people give GLiNER as labels.
_NAMES = {
    "PERSON": "PER PERS PERSON PEOPLE NAME FULLNAME PERSONNAME FIRSTNAME GIVENNAME MIDDLENAME LASTNAME SURNAME "
    "FAMILYNAME NICKNAME",
    "PLACE": "LOC LOCATION GPE FAC FACILITY PLACE CITY STATE COUNTY COUNTRY REGION NEARBYGPSCOORDINATE COORDINATE",
    "ADDRESS": "ADDRESS STREET STREETADDRESS STREETNAME BUILDINGNUMBER BUILDINGNUM SECONDARYADDRESS POSTALADDRESS",
    "ZIP": "ZIP ZIPCODE POSTCODE POSTALCODE",
    "ORG": "ORG ORGANIZATION ORGANISATION COMPANY COMPANYNAME CORPORATION GROUP INSTITUTION",
    "EMAIL": "EMAIL EMAILADDRESS MAIL",
    "PHONE": "PHONE PHONENUMBER TELEPHONE TELEPHONENUM TELEPHONENUMBER MOBILEPHONENUMBER FAX FAXNUMBER",
    "CARD": "CARD CREDITCARD CREDITCARDNUMBER DEBITCARDNUMBER CREDITCARDCVV CVV CREDITCARDEXPIRATIONDATE",
    "IBAN": "IBAN IBANCODE",
    "ACCOUNT": "ACCOUNT ACCOUNTNUMBER ACCOUNTNUM ACCOUNTNAME BANKACCOUNT BANKACCOUNTNUMBER BIC SWIFT SWIFTBIC "
    "ROUTINGNUMBER USBANKNUMBER",
    "SSN": "SSN USSSN SOCIALSECURITYNUMBER SOCIALNUM SOCIALNUMBER",
    "ID": "ID IDCARD IDCARDNUM IDNUM IDNUMBER NATIONALID NATIONALIDNUMBER TAXNUM TAXID TAXNUMBER MEDICALLICENSE "
    "HEALTHINSURANCEIDNUMBER CERTIFICATELICENSENUMBER UUID",
    "PASSPORT": "PASSPORT PASSPORTNUM PASSPORTNUMBER USPASSPORT UKPASSPORT DEPASSPORT INPASSPORT ITPASSPORT",
    "LICENCE": "LICENCE DRIVERLICENSE DRIVERLICENSENUM DRIVERLICENSENUMBER DRIVERSLICENSE DRIVERSLICENSENUMBER "
    "USDRIVERLICENSE ITDRIVERLICENSE UKDRIVINGLICENCE",
    "PLATE": "PLATE VIN VEHICLEVIN VEHICLEVRM LICENSEPLATE LICENSEPLATENUMBER NUMBERPLATE INVEHICLEREGISTRATION "
    "UKVEHICLEREGISTRATION",
    "IP": "IP IPV IPADDRESS",
    "MAC": "MAC MACADDRESS",
    "DOMAIN": "DOMAIN DOMAINNAME URL WEBSITE",
    "BIRTHDATE": "BIRTHDATE DOB DATEOFBIRTH BIRTHDAY",
    "AGE": "AGE",
    "CRYPTO": "CRYPTO BITCOINADDRESS ETHEREUMADDRESS LITECOINADDRESS CRYPTOWALLET",
    "USER": "USER USERNAME USERID LOGIN SOCIALMEDIAHANDLE",
    "TITLE": "TITLE PREFIX JOBTITLE",
    "SECRET": "SECRET PASSWORD PIN APIKEY",
}
_NOBODY = (
    "DATE TIME DATETIME CARDINAL ORDINAL QUANTITY PERCENT MONEY AMOUNT CURRENCY CURRENCYCODE CURRENCYNAME "
    "CURRENCYSYMBOL LANGUAGE"
)
_TYPES: dict[str, str | None] = {
    **{name: kind for kind, names in _NAMES.items() for name in names.split()},
    **dict.fromkeys(_NOBODY.split()),
}
