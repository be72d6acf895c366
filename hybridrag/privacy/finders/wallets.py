"""Wallet addresses of crypto-currencies: Base58Check (BIP 13, 16), Bech32 (BIP 173, 350), Ethereum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, stands_free, view
from hybridrag.types import Span

_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE = {byte: value for value, byte in enumerate(_ALPHABET)}
_BECH32 = rb"(?:bc1|tb1|ltc1|BC1|addr1|cosmos1)[02-9ac-hj-np-zAC-HJ-NP-Z]{11,100}"
_ETHEREUM = rb"0x[0-9a-fA-F]{40}"
_CANDIDATE = rb"\b(?:(" + _BECH32 + rb")|(" + _ETHEREUM + rb")|([1-9A-HJ-NP-Za-km-z]{25,95}))\b"
# Bitcoin 1 and 3, Litecoin L and M, Dogecoin D, Dash X, Tron T, Ripple r; of Monero and Solana only what a word names.
_CHECKED = frozenset(b"13LMDXTr")
_CURRENCIES = re.compile(
    rb"\b(?:bitcoin|btc|ethereum|eth|monero|xmr|solana|sol|litecoin|ltc|dogecoin|ripple|xrp|cardano|crypto|wallet)\b",
    re.IGNORECASE,
)


def wallets(text: str) -> Iterator[Span]:
    """CRYPTO spans of `text`: right in their check characters, or in a form of their own, or named."""
    data = view(text)
    for match in compiled(_CANDIDATE).finditer(data):
        start, end = match.span()
        address = match.group()
        if not stands_free(data, start, end):
            continue
        if match.lastindex == 1:
            yield Span(start, end, "CRYPTO", "wallet-bech32")
        elif match.lastindex == 2:
            if len(set(address[2:].lower())) > 4:
                yield Span(start, end, "CRYPTO", "wallet-ethereum")
        elif address[0] in _CHECKED and len(address) <= 35 and base58check(address):
            yield Span(start, end, "CRYPTO", "wallet-base58")
        elif not address.isalpha() and _CURRENCIES.search(data[max(0, start - 48) : start]):
            yield Span(start, end, "CRYPTO", "wallet-named")


def base58check(address: bytes) -> bool:
    """Whether the last four bytes are the double SHA-256 of those before; 35 characters at most are read.

    Ripple uses another alphabet: its addresses are taken by their form, with letters of both cases and digits."""
    if address[:1] == b"r":
        return len(set(address)) > 12 and any(byte < 58 for byte in address) and address.lower() != address
    number = 0
    for byte in address:
        number = number * 58 + _VALUE[byte]
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
