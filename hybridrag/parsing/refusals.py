"""Why a file is not read: one wording for one trouble, whatever the format, and what to do about it."""

from __future__ import annotations

from hybridrag.parsing.parsed import UnreadableError

SAVE_AGAIN = "Open it in the program that made it and save it again."
LEAVE_OUT = "Leave it out with --exclude, or convert it with the program that made it."
LOCKED = "encrypted: needs a password"


def broken(*, hint: str = SAVE_AGAIN, ocr: bool = False) -> UnreadableError:
    return UnreadableError("broken: its content does not fit its format", hint=hint, ocr=ocr)


def locked() -> UnreadableError:
    return UnreadableError(LOCKED, hint="Save a copy without a password and index that.")


def nested() -> UnreadableError:
    return UnreadableError("nested too deeply to be parsed", hint=LEAVE_OUT)


def too_long(most: int) -> UnreadableError:
    """For more than `most` characters of text."""
    return UnreadableError(f"holds more than {most:,} characters of text", hint="Split it.")


def too_many_pages(most: int, *, ocr: bool = False) -> UnreadableError:
    return UnreadableError(f"has more than {most:,} pages", hint="Split it.", ocr=ocr)


def unpacks_to_too_much() -> UnreadableError:
    """For a file that holds others."""
    return UnreadableError("unpacks to more than may be unpacked of one file", hint="Unpack it, and index that.")


def empty(*, ocr: bool = False) -> UnreadableError:
    return UnreadableError("holds no text", failed=False, ocr=ocr)


def fault() -> UnreadableError:
    """For a parser that ends with an error that is no verdict on the file."""
    return UnreadableError("cannot be parsed: the parser failed on it", hint=LEAVE_OUT)
