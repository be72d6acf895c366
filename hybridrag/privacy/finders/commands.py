"""Credentials on command lines and in the settings of network devices, where no name stands before them.

From the manuals of the programs: docker, mysql, mongosh, az, htpasswd, smbclient, ldapsearch, sqlplus, openssl, zip,
7-Zip, rabbitmqctl, mc, net user, chpasswd, sudo, and of Cisco IOS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import matches
from hybridrag.privacy.finders.patterns import view
from hybridrag.privacy.finders.placeholders import mixed, stands_in
from hybridrag.types import Span

_VALUE = rb"(?:'([^'\n\x00]{3,128})'|\"([^\"\n\x00$]{3,128})\"|([^\s\"'`|;&<>$\x00][^\s\"'`|;&<>\x00]{2,127}))"
_WORD = rb"[^\s\"'\x00]{1,80}"
_RULES: tuple[tuple[bytes, tuple[bytes, ...]], ...] = (
    (rb"[ \t](?:-[uUD]|--user(?:name)?)[ =]?" + _WORD + rb"[^\n|;&\x00]{0,80}?[ \t]-(?:p|w|pw)[ ]?" + _VALUE,
     (b" -u", b"--user", b"mongo ", b"mysql", b"maria", b"smb")),
    (rb"\bhtpasswd[ \t]+-[a-zA-Z0-9]*b[^\n\x00]{0,80}?[ \t]" + _WORD + rb"[ \t]+" + _VALUE + rb"[ \t]*(?:$|"
    rb"[\n\r#;&|])", (b"pass",)),
    (rb"(?i)\binput password[ \t]{2,}\S{1,80}[ \t]{2,}" + _VALUE, (b"pass",)),
    (rb"(?i)\bnet user " + _WORD + rb" " + _VALUE, (b"net user",)),
    (rb"\brabbitmqctl[^\n\x00]{0,40}? (?:add_user|change_password|authenticate_user) " + _WORD + rb" " + _VALUE,
     (b"add_user", b"pass")),
    (rb"\b(?:mc|mcli) (?:alias set|config host add) " + _WORD + rb" " + _WORD + rb" " + _WORD + rb" " + _VALUE,
     (b"alias set",)),
    (rb"\b(?:zip|unzip|7z[az]?|rar|unrar)\b[^\n|;&\x00]{0,80}?[ \t]-(?:P|p|hp)[ ]?" + _VALUE,
     (b"zip ", b"7z", b"rar ")),
    (rb"\b(?:sshpass|plink|pscp|psftp)\b[^\n|;&\x00]{0,40}?[ \t]-(?:p|pw)[ ]?" + _VALUE, (b"pass", b"plink")),
    (rb"(?i)(?:\bsqlplus |\bsqlldr |\bexpdp |\bimpdp |oracle:(?:thin|oci):)" + rb"[A-Za-z0-9_.$#-]{1,40}/"
     rb"[\"']?([^\s\"'@/\x00]{3,64})@", (b"sqlplus", b"oracle:thin")),
    (rb"\bopenssl\b[^\n\x00]{0,160}?[ \t]-(?:k|K|passin pass:|passout pass:|pass pass:)[ ]?" + _VALUE,
     (b"openssl", b"pass")),
    (rb"(?:^|[\s\"'=])pass:([^\s\"'`:<\x00][^\s\"'`<\x00]{3,63})", (b"pass",)),
    (rb"\bldap[a-z]{3,10}\b[^\n|;&\x00]{0,160}?[ \t]-w[ ]?" + _VALUE, (b"ldap",)),
    (rb"[ \t](?:-U|--user)[ =]?[\"']?[A-Za-z0-9_.\\/-]{1,64}%([^\s\"'\x00]{3,64})", (b"smb", b"--user")),
    (rb"\becho (?:-[a-zA-Z]+ )?[\"']?[A-Za-z0-9_.-]{1,32}:([^\s\"'\x00]{3,64})[\"']? ?\| ?(?:sudo )?"
    rb"chpasswd", (b"pass",)),
    (rb"\becho (?:-[a-zA-Z]+ )?[\"']?([^\s\"'\x00|$]{3,128})[\"']? ?\|[^\n\x00]{0,80}?(?:--pass\S*-stdin|--stdin|"
    rb"sudo -S|-pass stdin)",
     (b"stdin", b"sudo -s")),
    (rb"(?i)\bsnmp-server (?:community|user \S{1,40}) ([^\s\x00]{3,64})", (b"community",)),
    (rb"(?i)\b(?:enable|username \S{1,40})(?: privilege \d{1,2})? (?:secret|"
    rb"password)(?: [0-9])? ([^\s\x00]{3,128})[ \t]*(?:$|[\r\n])", (b"enable ", b"pass", b"secret")),
    (rb"(?i)\b(?:radius|tacacs)(?:-server|\+)?[^\n\x00]{0,60}? key(?: [0-9])? ([^\s\x00]{3,64})",
     (b"radius", b"tacacs")),
    (rb"(?i)\b(?:aws|gcloud|git|npm|yarn|pip|helm|heroku|vercel|fly|firebase) config(?:ure)?(?::set| set|"
    rb" --global)? ?[A-Za-z0-9_./:@-]{0,60}"
     rb"(?:pass|token|secret|key)[A-Za-z0-9_.-]{0,24}[ =]" + _VALUE, (b"pass", b"token", b"secret", b"key")),
)  # fmt: skip
_NO_VALUE = re.compile(
    rb"-{1,2}[a-z-]*|[0-9]{1,5}(?::[0-9]{1,5})?(?:/\w+)?|/\S*|[A-Za-z_-]{1,30}=\S*|\(.*|[A-Z_]{3,}|[a-z]{1,3}",
    re.DOTALL,
)


def commands(text: str) -> Iterator[Span]:
    """The values alone. Spans may overlap."""
    data = view(text)
    for pattern, words in _RULES:
        for match in matches(pattern, data, *words):
            value = match.group(match.lastindex)
            if not stands_in(value) and _NO_VALUE.fullmatch(value) is None and _plausible(match.group(), value):
                yield Span(match.start(match.lastindex), match.end(match.lastindex), "SECRET", "command")


def _plausible(command: bytes, value: bytes) -> bool:
    """Words alone are values only where the program takes nothing else there."""
    return mixed(value) or b" " in command
