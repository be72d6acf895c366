"""Messages and their attachments, mailboxes and their messages, as files inside files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hybridrag.parsing.unpacking import Packed, Withheld, too_large
from hybridrag.types import Member


def mbox_members(packed: Packed) -> Iterator[Member | Withheld]:
    """The messages of a mailbox."""
    from hybridrag.parsing.mail import mbox

    return _counted(mbox.mbox_members(packed.content), packed)


def mail_members(packed: Packed) -> Iterator[Member | Withheld]:
    """The attachments of a message."""
    from hybridrag.parsing.mail import message as mail

    return _counted(mail.mail_members(packed.content), packed)


def _counted(members: Iterable[Member], packed: Packed) -> Iterator[Member | Withheld]:
    largest = packed.allowance.largest
    for member in members:
        packed.allowance.spend(len(member.content))
        yield too_large(member.name, largest) if len(member.content) > largest else member
