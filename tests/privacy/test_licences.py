"""Driving licences of every US state, plates, VINs and passport lines; wallets and hardware addresses."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable

import pytest

from hybridrag.privacy.finders.labelled import labelled
from hybridrag.privacy.finders.licences import licences, vehicle_number
from hybridrag.privacy.finders.machines import machines
from hybridrag.privacy.finders.wallets import base58check, wallets
from hybridrag.types import Span

# The states' published forms (# a digit, @ a letter), several where a state has several.
STATES = {
    **{"AL": "#######", "AK": "#######", "AZ": "@######## #########", "AR": "######### 9########"},
    **{"CA": "@#######", "CO": "##-###-#### @######", "CT": "#########", "DE": "#######", "DC": "#######"},
    **{"FL": "@###-###-##-###-# @############", "GA": "#########", "HI": "@######## H########", "ID": "@@######@"},
    **{"IL": "@###-####-#### @###########", "IN": "####-##-#### ##########", "IA": "###@@####", "KS": "@##-##-####"},
    **{"KY": "@##-###-###", "LA": "#########", "ME": "#######", "MD": "@-###-###-###-### @############"},
    **{"MA": "@########", "MI": "@-###-###-###-### @############", "MN": "@############", "MS": "###-##-####"},
    **{"MO": "@######### ###@@@#####", "MT": "#############", "NE": "@########", "NV": "##########"},
    **{"NH": "##@@@#####", "NJ": "@####-#####-#####", "NM": "#########", "NY": "###-###-### #########"},
    **{"NC": "############", "ND": "@@@-##-####", "OH": "@@######", "OK": "@#########", "OR": "#######"},
    **{"PA": "##-###-### ########", "RI": "#######", "SC": "#########", "SD": "########", "TN": "########"},
    **{"TX": "########", "UT": "#########", "VT": "#######@ ########", "VA": "@-##-##-#### @########"},
    **{"WA": "WDL@@@@###@@ WDL@@#@###@@", "WV": "@######", "WI": "@###-####-####-##", "WY": "######-###"},
}
SENTENCES = [
    "My driver's license number is {}",
    "driver license: {}",
    "Driver's licence no. {} was lost",
    "Can you renew my drivers license? It is {}.",
    "DL# {}",
    "DL: {}",
    "{} is my driving licence number",
    "Führerschein-Nr.: {}",
    "Permis de conduire n° {}",
]


def covered(spans: Iterable[Span], text: str, value: str) -> bool:
    start = text.index(value)
    marked = {place for span in spans for place in range(span.start, span.end)}
    return all(place in marked for place in range(start, start + len(value)) if text[place].isalnum())


@pytest.mark.parametrize("state", sorted(STATES))
def test_licences_of_every_state_are_found_beside_the_word(state: str) -> None:
    chance = random.Random(state)
    for form in STATES[state].split():
        for _ in range(5):
            value = "".join(
                chance.choice("2345678") if c == "#" else chance.choice("ABCEFGHJKLM") if c == "@" else c for c in form
            )
            for sentence in SENTENCES:
                text = sentence.format(value)
                assert covered(labelled(text), text, value), text


def test_all_states_are_listed() -> None:
    assert len(STATES) == 51


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("parked: B-AB 1234.", "B-AB 1234"),
        ("M-XY 123E", "M-XY 123E"),
        ("LÖ-AB 123", "LÖ-AB 123"),
        ("HH-AB1234", "HH-AB1234"),
        ("S530-4601-2345-06", "S530-4601-2345-06"),
        ("J525-420-46-927-0", "J525-420-46-927-0"),
        ("the car 1HGCM82633A004352 is", "1HGCM82633A004352"),
        ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"),
        ("L898902C36UTO7408122F1204159ZE184226B<<<<<10", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    ],
)
def test_a_typical_form_needs_no_label(text: str, value: str) -> None:
    assert covered(licences(text), text, value)


@pytest.mark.parametrize(
    "text",
    [
        "HLA-B 27, IL-A 12, XX-YY 123, UTF-8 and X-Y 1",
        "1HGCM82633A004353 and 12345678901234567",
        "a << b << c; cout << x << endl;",
        "SARS-CoV 2, RFC-AB 12",
    ],
)
def test_lookalikes_stay(text: str) -> None:
    assert list(licences(text)) == []


def test_the_check_digit_of_a_vehicle_number_is_its_ninth() -> None:
    assert vehicle_number("1M8GDM9AXKP042788")
    assert vehicle_number("11111111111111111") is False  # digits alone are a number of something else
    assert sum(vehicle_number(f"1M8GDM9A{digit}KP042788") for digit in "0123456789X") == 1


ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(version: int, seed: int) -> str:
    raw = bytes([version]) + random.Random(seed).randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number = int.from_bytes(raw, "big")
    digits = ""
    while number:
        number, rest = divmod(number, 58)
        digits = ALPHABET[rest] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits


@pytest.mark.parametrize("version", [0, 5, 48, 30, 76])
def test_wallets_with_right_check_characters_are_found(version: int) -> None:
    for seed in range(40):
        address = base58(version, seed)
        text = f"Send it to {address}, thanks."
        assert [text[span.start : span.end] for span in wallets(text)] == [address]
        wrong = address[:-1] + ("2" if address[-1] != "2" else "3")
        assert not base58check(wrong.encode())


@pytest.mark.parametrize(
    "address",
    [
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
    ],
)
def test_wallets_of_other_chains_are_found_by_form(address: str) -> None:
    assert [span.type for span in wallets(f"to {address}.")] == ["CRYPTO"]


def test_a_wallet_is_found_by_its_name_alone() -> None:
    text = "My Solana wallet: 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV1"
    assert covered(wallets(text), text, "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV1")


@pytest.mark.parametrize(
    "text",
    [
        "0x0000000000000000000000000000000000000000",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "AbstractSingletonProxyFactoryBeanWithSuffix",
    ],
)
def test_what_is_no_wallet_stays(text: str) -> None:
    assert list(wallets(text)) == []


def test_hardware_addresses_and_bank_codes() -> None:
    text = "00:1A:2B:3C:4D:5E 00-1a-2b-3c-4d-5e 001a.2b3c.4d5e BIC: DEUTDEFF500 SWIFT code COBADEFF ff:ff:ff:ff:ff:ff"
    found = [text[span.start : span.end] for span in machines(text)]
    assert found == ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e", "DEUTDEFF500", "COBADEFF"]
    assert list(machines("swift language, 12:30:45:11, bicycle 2001:db8::1")) == []
