"""Credentials in what carries them: URLs, headers, cookies, command lines, and files that list accounts.

From RFC 3986 (user information), RFC 7617 and 6750 (authorization), RFC 6265 (cookies), and the manuals of curl,
netrc, PostgreSQL, Kubernetes and Docker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, matches
from hybridrag.privacy.finders.patterns import compiled, group_span, view
from hybridrag.privacy.finders.placeholders import mixed, random_looking, stands_in
from hybridrag.privacy.finders.secret_names import KEY, PASSWORD
from hybridrag.types import Span

_SECRET = PASSWORD + rb"|" + KEY
_USER_INFO = rb"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/?#\"'<>\x00@]*:[^\s/?#\"'<>\x00]*)@"
_USER_INFO_SLASH = (
    rb"[A-Za-z][A-Za-z0-9+.-]{1,20}://([A-Za-z0-9_.%+-]{1,64}:[^\s\"'<>\x00]{3,128})@[A-Za-z0-9.-]+(?:[:/?\s\"']|$)"
)
_TOKEN_USER = rb"(?:https?|git|ssh|ftps?|wss?)://([A-Za-z0-9_.-]{16,})@"
_BARE_USER_INFO = (
    rb"(?:^|[\s\"'=(\[])([A-Za-z0-9_.-]{1,64}:[^\s:@/\"'<>\x00]{3,128})"
    rb"@(?:tcp\(|[A-Za-z][A-Za-z0-9.-]*|[0-9]{1,3}(?:[.][0-9]{1,3}){3})"
)
_HEADER = (
    rb"(?i)authorization[\"']{0,2}[\])]?(?:\s{0,2}[:=,]\s{0,2}[\[(]?\s{0,12}(?:- )?|[ \t]{1,4})\\?[rbfu]?[\"'`]?"
    rb"(?:basic|bearer|token|apikey|api-key|digest|negotiate|ssws|genie ?key|bot|key)?"
    rb"[ \t]{1,3}([^\s\"'`,;\\\x00]{6,})"
)
_KEY_HEADER = (
    rb"(?i)\b(?:x-[a-z-]{0,24}(?:key|token|secret|auth|password|signature)|private-token|job-token|dd-api-key"
    rb"|api-key|apikey|ocp-apim-subscription-key|circle-token|auth-token)[\"']?[ \t]?[:=,][ \t]{0,2}[\"'`]?"
    rb"([A-Za-z0-9._~+/=:|-]{8,})"
)
_BEARER = rb"(?i)\b(?:bearer|basic)[ \t]{1,3}([A-Za-z0-9._~+/-]{16,}={0,2})"
_COOKIE = (
    rb"(?i)\b(?:[a-z0-9_.-]{0,20}(?:session(?:_?id)?|sessid|sess|connect[.]sid|sid)|csrf[_-]?token|xsrf-token|"
    rb"remember[_-]token"
    rb"|[a-z_-]{0,12}(?:auth|access|refresh|id)[_-]?token|jwt|saml(?:response|request))=[\"']?([A-Za-z0-9%._+/:|"
    rb"-]{12,}={0,2})"
)
_PARAMETER = (
    rb"(?i)[?&;](?:sig|signature|x-(?:amz|goog)-(?:signature|security-token|credential)|[a-z_-]{0,20}token|"
    rb"[a-z_-]{0,16}api[_-]?key"
    rb"|[a-z_-]{0,12}key|auth|code|[a-z_-]{0,16}secret|password|passwd|pass|pwd|hmac|sas|sv_sig|awsaccesskeyid)"
    rb"=([A-Za-z0-9%+/_.~=!*@$-]{4,})"
)
_FLAG = rb"(?i)[\s\"']--?(?:[a-z_-]{1,24})?(?:" + _SECRET + rb")(?:[= ][ \t]{0,2}|[\"'], ?)[\"']?([^\s\"'\x00]{3,200})"
_CURL_USER = rb"\s(?:-u|--user|--proxy-user)[ =]{0,2}[\"']?([^\s:\"'\x00]{1,64}:[^\s\"'\x00]{2,128})"
_SHORT_FLAG = (
    rb"\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|redis-cli|mongo|mongosh|smbclient)\b[^\n\x00]{0,80}?"
    rb"[ \t](?:-p|-a|-P)[ ]?([^\s\"'\x00-]{6,64})"
)
_NETRC = rb"(?i)\b(?:login|user)[ \t\n]+[^\s\x00]+[ \t\n]+password[ \t\n]+([^\s\x00]{3,})"
_PGPASS = rb"(?m)^[^\s:#\x00]{1,80}:(?:[0-9]{2,5}|[*]):[^\s:\x00]{1,64}:[^\s:\x00]{1,64}:([^\s\x00]{3,128})$"
_SQL = (
    rb"(?i)\b(?:identified[ ](?:with[ ]\S{1,40}[ ])?by|(?:encrypted[ ])?password"
    rb"|set[ ]password[ ]?(?:for[ ]\S{1,60}[ ])?=)"
    rb"[ \t]{1,3}(?:password\()?['\"]([^'\"\r\n\x00]{3,128})['\"]"
)
_XML = (
    rb"(?i)<[A-Za-z0-9_:.-]{0,40}(?:" + _SECRET + rb")[^<>\x00]{0,40}>"
    rb"\s{0,4}(?:<!\[CDATA\[)?([^<>\s\x00]{3,300}?)\s{0,4}(?:\]\]>)?\s{0,4}</"
)
_NAMED_VALUE = (
    rb"(?i)(?:\bname|\bkey|\bid|\bproperty)[\"']?[ \t]{0,8}[:=>][ \t]{0,4}[\"']?[A-Za-z0-9_.:-]{0,40}"
    rb"(?:" + _SECRET + rb")"
    rb"[A-Za-z0-9_]{0,24}[\"']?(?:,|/?>|"
    rb"</name>)?(?:\s{0,24}[\"']?[a-z]{2,12}[\"']?[ \t]?[:=][ \t]?[\"']?[A-Za-z]{2,16}[\"']?,?)?"
    rb"\s{1,24}[\"'<]?(?:value|default|defaultvalue|content)[\"']?[ \t]{0,8}[:=>][ \t]{0,4}"
    rb"[\"']?(?:bearer |basic |token )?([^\"'\s<>\x00]{3,300})"
)
_VARIABLE = (
    rb"(?i)variable[ ]\"[A-Za-z0-9_-]{0,40}(?:" + _SECRET + rb")[A-Za-z0-9_-]{0,24}\"[ ]?\{[^{}\x00]{0,300}?"
    rb"default[ ]{0,12}=[ ]{0,4}\"([^\"\n\x00]{3,300})\""
)
_PROPERTY = (
    rb"(?i)<[a-z.]{2,20}[ ](?:name|key|id)=[\"'][^\"'<>]{0,60}(?:"
    + _SECRET
    + rb")[a-z0-9_.-]{0,24}[\"'][^<>]{0,40}>([^<>\s\x00]{3,200})</"
)
_PLIST = (
    rb"(?i)<key>[^<>\x00]{0,40}(?:"
    + _SECRET
    + rb")[A-Za-z0-9_ -]{0,24}</key>\s{0,24}<(?:string|data)>\s{0,8}([^<>\s\x00]{3,300})"
)
_UNATTENDED = rb"(?i)password>\s{0,24}<value>([^<>\s\x00]{3,300})</value>"
_OTP = rb"(?i)otpauth(?:-migration)?://[^\s\"'<>\x00]{1,200}?[?&](?:secret|data)=([A-Za-z0-9%+/=]{8,})"
_JWK = rb"\"(?:d|k|p|q|dp|dq|qi)\"[ \t]?:[ \t]{0,4}\"([A-Za-z0-9_-]{20,})\""
_PIPELINE = rb"(?i)task[.]setvariable[^\]\n\x00]{0,80}(?:" + _SECRET + rb")[^\]\n\x00]{0,60}\]([^\s\"'\x00]{3,300})"
_PARAMETER_DEFAULT = (
    rb"(?i)(?:"
    + _SECRET
    + rb")[A-Za-z0-9_]{0,24}:\s{1,24}(?:[A-Za-z]{2,16}: [^\n\x00]{0,60}\s{1,24}){0,3}?default: [\"']?"
    rb"([^\s\"'\x00]{3,300})"
)
_BODY = rb"(?i)\bsecret set [a-z0-9_]{1,60}[^\n\x00]{0,60}? (?:--body|-b)[ =][\"']?([^\s\"'\x00]{3,300})"
_DOCKER = rb"\"(?:auth|identitytoken|_auth)\"[ \t]?:[ \t]{0,4}\"([A-Za-z0-9+/_.-]{8,}={0,2})\""
_NPM = rb"_(?:auth|authToken|password)[ \t]?=[ \t]?[\"']?([A-Za-z0-9+/_.-]{6,}={0,2})"
_AZURE = (
    rb"(?i)(?:accountkey|sharedaccesskey|sharedaccesssignature|instrumentationkey|endpointkey)[ ]?=[ ]?"
    rb"([A-Za-z0-9+/%&=_-]{20,})"
)
_AWS_SECRET = rb"(?:^|[^A-Za-z0-9/+=_-])([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=_-])"
_KUBERNETES = rb"(?m)^[ \t]*(?:data|stringData):[ \t]*\n((?:[ \t]+[^\n\x00]*(?:\n|$))+)"
_ENTRY = re.compile(rb"^[ \t]+[\w.-]{1,64}:[ ]*[|>]?-?[ ]*[\"']?([^\s\"'#][^\s\"']{2,4000})", re.MULTILINE)

_SECRET_WORDS = (
    b"pass",
    b"pwd",
    b"secret",
    b"token",
    b"key",
    b"cred",
    b"connection",
    b"code=",
    b"auth",
    b"sig=",
    b"signature",
)

# (rule, pattern, words of which one stands near)
_RULES: tuple[tuple[str, bytes, tuple[bytes, ...]], ...] = (
    ("url-credentials", _USER_INFO, (b"://",)),
    ("url-credentials", _USER_INFO_SLASH, (b"://",)),
    ("url-token", _TOKEN_USER, (b"://",)),
    ("header", _HEADER, (b"auth",)),
    ("header", _KEY_HEADER, (b"key", b"token", b"secret", b"auth", b"pass", b"sig=", b"signature")),
    ("bearer", _BEARER, (b"bearer", b"basic")),
    ("cookie", _COOKIE, (b"token", b"sid=", b"session", b"sess=", b"sessid", b"jwt", b"saml")),
    ("url-parameter", _PARAMETER, (*_SECRET_WORDS, b"hmac=", b"sas=", b"x-goog", b"x-amz")),
    ("command-flag", _FLAG, NAMES),
    ("command-flag", _CURL_USER, (b" -u", b"--user", b"--proxy")),
    ("command-flag", _SHORT_FLAG, (b"mysql", b"maria", b"redis-cli", b"mongo ", b"smb", b"pass")),
    ("netrc", _NETRC, (b"login", b"pass")),
    ("sql", _SQL, (b"identified ", b"pass")),
    ("xml", _XML, NAMES),
    ("xml", _PROPERTY, NAMES),
    ("named-value", _NAMED_VALUE, NAMES),
    ("named-value", _VARIABLE, NAMES),
    ("xml", _PLIST, NAMES),
    ("xml", _UNATTENDED, (b"pass",)),
    ("file", _PIPELINE, NAMES),
    ("command-flag", _BODY, (b"secret",)),
    ("named-value", _PARAMETER_DEFAULT, NAMES),
    ("otp", _OTP, (b"auth", b"://")),
    ("jwk", _JWK, (b'"kty"',)),
    ("file", _DOCKER, (b"auth", b"token")),
    ("file", _NPM, (b"auth", b"pass")),
    ("file", _AZURE, (b"key", b"sig=", b"signature")),
)


def carried(text: str) -> Iterator[Span]:
    """The credentials, without what carries them. Placeholders are none. Spans may overlap."""
    data = view(text)
    for rule, pattern, words in _RULES:
        for match in matches(pattern, data, *words):
            start, end = match.span(1)
            if _is_credential(rule, data, start, end):
                yield Span(start, end, "SECRET", rule)
    if b"@" in data:
        for match in compiled(_BARE_USER_INFO).finditer(data):
            if _is_credential("user-password", data, *match.span(1)):
                yield group_span(match, 1, "SECRET", "user-password")
    if b":*:" in data or b":5432:" in data:
        for match in compiled(_PGPASS).finditer(data):
            if not stands_in(match.group(1)):
                yield group_span(match, 1, "SECRET", "file")
    if b"kind: Secret" in data:
        yield from _kubernetes(data)
    yield from _aws_secrets(data)


_PORT = re.compile(rb"\d{1,5}/")
_WORD = re.compile(rb"[A-Za-z]+(?:[-_.][A-Za-z]+)*")


def _is_credential(rule: str, data: bytes, start: int, end: int) -> bool:  # noqa: PLR0911 - one rule a return
    value = data[start:end]
    secret = value.partition(b":")[2] if b":" in value and rule in _WITH_USER else value
    if stands_in(secret):
        return False
    if rule == "url-credentials":
        # `host:8080/path@x` is an address with a port.
        return _PORT.match(secret) is None
    if rule == "url-token":
        return random_looking(value)
    if rule == "user-password":
        # `image:tag@sha256:...` is no user and password.
        return data[end : end + 7] not in {b"@sha256", b"@sha512"} and mixed(secret)
    if rule == "header":
        return _WORD.fullmatch(value) is None or not (value.islower() or value.isupper())
    if rule in {"bearer", "cookie", "file"}:
        return _WORD.fullmatch(value) is None and (mixed(value) or len(value) > 24)
    if rule == "url-parameter":
        name = data[max(0, start - 12) : start].lower()
        return (
            b"pass" in name
            or b"pwd" in name
            or (mixed(value) and len(value) >= 8 and random_looking(value, shortest=8))
        )
    if rule == "command-flag":
        return not value.startswith((b"-", b"$", b"/", b"%", b"{", b"(", b"<")) and value.lower() not in _TALK
    if rule in {"xml", "named-value"}:
        return mixed(value) or (_WORD.fullmatch(value) is not None and not value[:1].isupper() and b"." not in value)
    return True


_WITH_USER = frozenset({"url-credentials", "user-password", "command-flag"})
_TALK = frozenset(
    (b"is", b"and", b"the", b"file", b"from", b"stdin", b"with", b"for", b"authentication", b"auth", b"based")
)


def _kubernetes(data: bytes) -> Iterator[Span]:
    """The values under `data:` and `stringData:` of a Secret."""
    for match in compiled(_KUBERNETES).finditer(data):
        for entry in _ENTRY.finditer(data, match.start(1), match.end(1)):
            if not stands_in(entry.group(1)):
                yield group_span(entry, 1, "SECRET", "kubernetes")


def _aws_secrets(data: bytes) -> Iterator[Span]:
    """Forty characters of base64 near an access key id or the word aws."""
    for match in matches(_AWS_SECRET, data, b"akia", b"asia", b"aws", b"secret"):
        value = match.group(1)
        if not (value.islower() or value.isupper() or value.isalpha()) and random_looking(value):
            yield group_span(match, 1, "SECRET", "aws-secret")
