"""Credentials: vendor tokens, private keys, tokens in headers and URLs, and what is assigned to a secret's name.

Written from the vendors' published token formats, RFC 7468 (PEM), RFC 7519 (JWT) and RFC 3986 (user information).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from hybridrag.privacy.patterns import compiled, view
from hybridrag.types import Span

_T = rb"[A-Za-z0-9_-]"
_VENDORS = (
    rb"sk-" + _T + rb"{16,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek
    rb"(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}",
    rb"gh[pousr]_[A-Za-z0-9]{16,}",
    rb"github_pat_[A-Za-z0-9_]{16,}",
    rb"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-" + _T + rb"{16,}(?:[.][0-9a-z]{2,12}){0,2}",
    rb"GR1348941" + _T + rb"{16,}",
    rb"xox[a-z](?:[.]xox[a-z])?-[A-Za-z0-9-]{8,}",
    rb"xapp-[A-Za-z0-9-]{8,}",
    rb"hooks[.]slack[.]com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{16,}",
    rb"AIza" + _T + rb"{30,}",
    rb"ya29[.][A-Za-z0-9_-]{16,}",
    rb"GOCSPX-" + _T + rb"{16,}",
    rb"1//0" + _T + rb"{30,}",
    rb"[spr]k_(?:live|test|prod)_[A-Za-z0-9]{8,}",
    rb"whsec_[A-Za-z0-9+/=]{16,}",
    rb"fw_[A-Za-z0-9_-]{16,}",
    rb"tgp_v1_" + _T + rb"{16,}",
    rb"[A-Za-z0-9]{8}[.][A-Za-z0-9]{32}",  # Baseten
    rb"hf_[A-Za-z0-9]{16,}",
    rb"api_org_[A-Za-z]{34}",
    rb"npm_[A-Za-z0-9]{30,}",
    rb"pypi-" + _T + rb"{32,}",
    rb"do[opr]_v1_[a-f0-9]{32,}",
    rb"SG[.]" + _T + rb"{16,}[.]" + _T + rb"{16,}",
    rb"(?:SK|AC)[0-9a-f]{32}",
    rb"[0-9]{8,10}:AA" + _T + rb"{30,}",
    rb"[MNO][A-Za-z0-9_-]{23,25}[.]" + _T + rb"{6}[.]" + _T + rb"{27,}",
    rb"key-[0-9a-f]{32}",
    rb"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    rb"dapi[0-9a-f]{32}(?:-[0-9])?",
    rb"hvs[.]" + _T + rb"{20,}",
    rb"gsk_[A-Za-z0-9]{16,}",
    rb"xai-[A-Za-z0-9]{16,}",
    rb"pplx-[A-Za-z0-9]{16,}",
    rb"r8_[A-Za-z0-9]{16,}",
    rb"nvapi-" + _T + rb"{16,}",
    rb"lin_api_[A-Za-z0-9]{16,}",
    rb"ntn_[A-Za-z0-9]{16,}",
    rb"glsa_[A-Za-z0-9]{16,}_[A-Fa-f0-9]{8}",
    rb"glc_[A-Za-z0-9+/=]{16,}",
    rb"dp[.](?:pt|st|ct|sa|scim|audit)[.][A-Za-z0-9.]{16,}",
    rb"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    rb"NRAK-[A-Z0-9]{16,}",
    rb"AKCp[A-Za-z0-9]{32,}",
    rb"tskey-[a-z]+-[A-Za-z0-9-]{16,}",
    rb"sq0(?:atp|csp)-" + _T + rb"{16,}",
    rb"AGE-SECRET-KEY-1[0-9A-Z]{32,}",
    rb"ATATT3" + _T + rb"{32,}=?[A-F0-9]*",
    rb"sntr[yu]s_[A-Za-z0-9+/=_-]{32,}",
    rb"dckr_pat_" + _T + rb"{16,}",
    rb"pat[A-Za-z0-9]{14}[.][a-f0-9]{64}",
    rb"EAA[A-Za-z0-9]{60,}",
)
_VENDOR = rb"(?:^|[^A-Za-z0-9])(" + rb"|".join(_VENDORS) + rb")"
_JWT = rb"eyJ[A-Za-z0-9_-]{6,}(?:[.]" + _T + rb"*){1,4}"
_PEM_NAME = rb"[A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?"
_BASE64_LINES = rb"(?:[A-Za-z0-9+/=]|\\[nr]|[\s\"',>|#*:()-]|Proc-Type|DEK-Info|Version|Comment)*"
_PEM = rb"-{3,5} ?BEGIN " + _PEM_NAME + rb" ?-{3,5}[^\x00]*?-{3,5} ?END " + _PEM_NAME + rb" ?-{3,5}"
_PEM_OPEN = (
    rb"-{3,5} ?BEGIN " + _PEM_NAME + rb" ?-{3,5}(?:[A-Za-z0-9+/=]{16,}|\\[nr]|\s|[A-Za-z-]+: ?[^\n\x00]{0,80}\n)*"
)
_PEM_TAIL = (
    rb"(?:[A-Za-z0-9+/=]{16,80}(?:\s|\\[nr]){1,4})*[A-Za-z0-9+/=]{0,80}(?:\s|\\[nr]){0,4}-{3,5} ?END "
    + _PEM_NAME
    + rb" ?-{3,5}"
)
_BLOCK = rb"(?:[A-Za-z0-9+/]{60,80}(?:\r?\n|\\n)[ \t>]{0,8}){3,}[A-Za-z0-9+/=]{0,80}"
_USER_INFO = rb"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#\"'<>\x00@]*:[^\s/?#\"'<>\x00]*)@"
_USER_INFO_SLASH = (
    rb"[A-Za-z][A-Za-z0-9+.-]{1,20}://([A-Za-z0-9_.%+-]{1,64}:[^\s\"'<>\x00]{3,128})@[A-Za-z0-9.-]+(?:[:/?\s\"']|$)"
)
_TOKEN_USER = rb"https?://([A-Za-z0-9_-]{16,})@"
_BARE_USER_INFO = (
    rb"(?:^|[\s\"'=(\[])([A-Za-z0-9_.-]{1,64}:[^\s:@/\"'<>\x00]{3,128})"
    rb"@(?:[A-Za-z][A-Za-z0-9.-]*|[0-9]{1,3}(?:[.][0-9]{1,3}){3})"
)
_HEADER = (
    rb"(?i)authorization[\"']{0,2}\s{0,2}[:=]\s{0,2}\\?[rbfu]?[\"']?(?:basic|bearer|token|apikey|api-key|digest|negotiate)?"
    rb"[ \t]{1,3}([^\s\"'`,;\\\x00]{6,})"
)
_BEARER = rb"(?i)\bbearer[ \t]{1,3}([A-Za-z0-9._~+/-]{16,}={0,2})"
_SIGNED = (
    rb"(?i)[?&;](?:sig|signature|x-amz-(?:signature|security-token|credential)|access_token|token|api_?key|key|auth|code"
    rb"|secret|password|pwd)=([A-Za-z0-9%+/_.~=-]{8,})"
)
_FLAG = (
    rb"(?i)\s--?(?:password|passwd|pass|pwd|token|api-?key|secret|auth-token|access-token|client-secret)[= ][ \t]{0,2}"
    rb"[\"']?([^\s\"'\x00]{3,200})"
)
_CURL_USER = rb"\s(?:-u|--user|--proxy-user)[ =]{0,2}[\"']?([^\s:\"'\x00]{1,64}:[^\s\"'\x00]{2,128})"
_NETRC = rb"(?i)\blogin[ \t\n]+[^\s\x00]+[ \t\n]+password[ \t\n]+([^\s\x00]{3,})"
_XML = (
    rb"(?i)<[A-Za-z0-9_:.-]{0,40}(?:password|passwd|secret|token|api[_-]?key|accesskey)[^<>\x00]{0,40}>"
    rb"\s{0,4}([^<>\s\x00]{3,300})\s{0,4}</"
)
_XML_VALUE = (
    rb"(?i)(?:password|passwd|secret|token|api[_-]?key|connectionstring)[\"'][ \t]+value[ \t]?=[ \t]?"
    rb"[\"']([^\"'\x00]{3,300})[\"']"
)
_AWS_SECRET = rb"(?:^|[^A-Za-z0-9/+=_-])([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=_-])"

# (rule, pattern, a literal of which one must occur in the lower-case text)
_STRONG: tuple[tuple[str, bytes, tuple[bytes, ...]], ...] = (
    ("jwt", _JWT, (b"eyj",)),
    ("private-key", _PEM, (b"private key",)),
    ("private-key", _PEM_OPEN, (b"private key",)),
    ("private-key", _PEM_TAIL, (b"private key",)),
    ("base64-block", _BLOCK, (b"\n", b"\\n")),
    ("url-credentials", _USER_INFO, (b"://",)),
    ("url-credentials", _USER_INFO_SLASH, (b"://",)),
    ("url-credentials", _TOKEN_USER, (b"://",)),
)
_WEAK: tuple[tuple[str, bytes, tuple[bytes, ...]], ...] = (
    ("user-password", _BARE_USER_INFO, (b"@",)),
    ("header", _HEADER, (b"authorization",)),
    ("bearer", _BEARER, (b"bearer",)),
    ("url-parameter", _SIGNED, (b"?", b"&")),
    ("command-flag", _FLAG, (b" -",)),
    ("command-flag", _CURL_USER, (b"-u", b"--user", b"--proxy-user")),
    ("netrc", _NETRC, (b"login",)),
    ("xml", _XML, (b"</",)),
    ("xml", _XML_VALUE, (b"value",)),
)


def credentials(text: str) -> Iterator[Span]:
    """The credentials in `text`: the value alone where a name stands before it. Spans may overlap."""
    data = view(text)
    lowered = data.lower()
    for match in compiled(_VENDOR).finditer(data):
        start, end = match.span(1)
        if _is_token(data[start:end]):
            yield Span(start, end, "SECRET", "vendor-token")
    for rule, pattern, literals in _STRONG:
        if any(literal in lowered for literal in literals):
            group = compiled(pattern).groups
            for match in compiled(pattern).finditer(data):
                if rule != "url-credentials" or _is_user_info(match.group(group)):
                    yield Span(match.start(group), match.end(group), "SECRET", rule)
    for rule, pattern, literals in _WEAK:
        if any(literal in lowered for literal in literals):
            for match in compiled(pattern).finditer(data):
                if not stands_in(match.group(1).rpartition(b":")[2]) and not _is_digest(data, match.end(1)):
                    yield Span(match.start(1), match.end(1), "SECRET", rule)
    if b"akia" in lowered or b"asia" in lowered or b"aws" in lowered:
        yield from _aws_secrets(data, lowered)


def _is_token(token: bytes) -> bool:
    """Prefixes that names begin with as well need digits or both cases: "sk-learn-contrib-packages" is a name."""
    if token[8:9] == b".":
        return any(48 <= byte <= 57 for byte in token[:8]) and any(byte in _NOT_HEX for byte in token[9:])
    if not token.startswith((b"sk-", b"fw_", b"key-", b"pypi-", b"xapp-")):
        return True
    body = token[4:]
    return any(48 <= byte <= 57 for byte in body) or not (body.islower() or body.isupper())


def _is_user_info(value: bytes) -> bool:
    """`host:8080/path@x` is an address with a port; `user:<password>` is a form to fill in."""
    password = value.partition(b":")[2] if b":" in value else value
    return not stands_in(password) and _PORT.match(password) is None


_PORT = re.compile(rb"\d{1,5}/")


def _is_digest(data: bytes, end: int) -> bool:
    """`image:tag@sha256:...` is no user and password."""
    return data[end : end + 7] in {b"@sha256", b"@sha512"}


_NOT_HEX = frozenset(b"ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_AWS_NEAR = 400


def _aws_secrets(data: bytes, lowered: bytes) -> Iterator[Span]:
    """Forty characters of base64 near an access key id or the word aws."""
    for match in compiled(_AWS_SECRET).finditer(data):
        start, end = match.span(1)
        value = match.group(1)
        near = lowered[max(0, start - _AWS_NEAR) : end + _AWS_NEAR]
        told = b"akia" in near or b"asia" in near or b"aws" in near or b"secret" in near
        if told and _entropy(value) > 3.5 and not value.islower() and not value.isupper() and not value.isalpha():
            yield Span(start, end, "SECRET", "aws-secret")


_STAND_INS = re.compile(
    rb"(?:<[^<>]*>|\$\{?[A-Za-z_][A-Za-z0-9_.:-]*\}?|\$\{\{.*\}\}|\$\(.*\)|\{+[^{}]*\}+|%[A-Za-z_]+%|%\(?\w*\)?s|\*+|[xX]{3,}|[.]+|-+|_+|#+"
    rb"|\[[A-Za-z_ -]+\]|your[_ -]?[a-z_ -]*|my[_-](?:api|secret|access|auth)?[_-]?(?:key|token|secret|password)"
    rb"|none|null|nil|undefined|true|false|str|string|bytes|int|integer|bool|boolean|object|any|optional|required|secretstr"
    rb"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET|PASSWORD|PASS|PWD)|[\xa4\xa6].*|\x00.*)",
    re.IGNORECASE | re.DOTALL,
)


def stands_in(value: bytes) -> bool:
    """Whether the value is a placeholder: a variable, `<your key>`, asterisks, a type's name, or a pseudonym."""
    return not value or b"\0" in value or _STAND_INS.fullmatch(value.strip()) is not None


def _entropy(value: bytes) -> float:
    """Shannon entropy in bits a character."""
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
