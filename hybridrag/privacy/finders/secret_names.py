"""The names under which people keep secrets, English and German foremost, and names that only mention one."""

from __future__ import annotations

import re

PASSWORD = (
    rb"pass(?:word|wort|wd|phrase|code|wrd|w|key)?|pin[_ -]?(?:code|number)|pwd|psw|pswd|psk|kennwort|losung|"
    rb"contrase[n\xe9]a|mot[ _-]?de[ _-]?passe"
    rb"|senha|has(?:\xe9|l)o|wachtwoord"
)
_OWNERS = (
    rb"api|app|application|access|auth|account|secret|private|priv|client|consumer|encryption|encrypt|crypto?|"
    rb"cipher|aes|des3"
    rb"|hmac|rsa|ssh|signing|sign|signature|shared|master|root|admin|licen[sc]e|service|server|subscription|"
    rb"storage|session"
    rb"|deploy|webhook|bot|oauth2?|security|jwt|csrf|xsrf|cookie|integration|ingest|write|read|user|refresh|id|"
    rb"project|team"
)
KEY = (
    rb"secret|token|(?:" + _OWNERS + rb")[ _.-]?(?:access[ _.-]?|api[ _.-]?|shared[ _.-]?|secret[ _.-]?)?key"
    rb"|credentials?|creds|bearer|jwt|auth|salt|nonce|seed|pepper|cookie|session[_-]?id|dsn|connection[ _-]?string"
    rb"|schl\xe9ssel|geheimnis|webhook|zugangscode"
)
VENDOR = (
    rb"aws|azure|gcp|github|gitlab|slack|stripe|twilio|sendgrid|mailgun|mailchimp|openai|anthropic|cohere|"
    rb"mistral|deepseek|groq"
    rb"|heroku|datadog|newrelic|new_relic|pagerduty|okta|auth0|algolia|cloudflare|fastly|netlify|vercel|supabase|"
    rb"linode|hetzner"
    rb"|vultr|sentry|snyk|sonar|codecov|coveralls|travis|circleci|jenkins|artifactory|nexus|npm|pypi|nuget|"
    rb"docker|quay|discord"
    rb"|telegram|paypal|braintree|square|plaid|shopify|airtable|asana|trello|notion|figma|dropbox|zendesk|"
    rb"hubspot|intercom"
    rb"|mixpanel|amplitude|launchdarkly|rollbar|bugsnag|splunk|grafana|influx|databricks|snowflake|confluent|"
    rb"postmark|linear"
)
# A name may go on after the word: `password_prod`, `tokenForTests`, `SECRET2`.
REST = rb"(?:[_.-][A-Za-z0-9]{1,20}|[A-Z][a-z0-9]{1,16}|[A-Z]{2,8}|[0-9]{1,6}|[sS]){0,4}"

_ABOUT = re.compile(
    rb"(?:.*[_.-]|.*(?<![A-Z])(?=[A-Z]))?(?:url|uri|file|path|type|name|field|len(?:gth)?|size|expir\w*|ttl|"
    rb"timeout|count|policy"
    rb"|regex|pattern|prefix|suffix|header|label|placeholder|hint|error|message|msg|text|title|param|arn|version|"
    rb"algorithm|alg"
    rb"|class|index|format|mode|encryption|hash(?:ing|ed|er)?|method|endpoint|host|form|view|input|required|"
    rb"enabled|age|scheme|at|for|dir|folder|command|cmd"
    rb"|provider|store|help|desc\w*|reset|manager|s)",
    re.IGNORECASE | re.DOTALL,
)
_OTHERS = re.compile(rb"(?:compass|bypass|surpass|trespass|overpass|underpass|basalt|linseed)$", re.IGNORECASE)
_SELF = re.compile(
    rb"pass(?:wor|phr|wd|code)|token|secret|(?<!mon)(?<!don)(?<!tur)(?<!hoc)key|auth|cred|user|login|kennw|"
    rb"cookie|session",
    re.IGNORECASE,
)


def is_about(rest: bytes) -> bool:
    """Whether a name with this ending is that of something about a secret: `password_file`, `tokenType`."""
    return len(rest) <= 64 and _ABOUT.fullmatch(rest) is not None


_WEAK = re.compile(
    rb"bearer|jwt|auth|salt|nonce|seed|cookie|dsn|(?:user|id|project|team|write|read|app|service)[ _.-]?key", re.I
)


_TELLS = re.compile(rb"(?i)" + PASSWORD + rb"|" + KEY)


def tells(rest: bytes) -> bool:
    """Whether the rest of a vendor's name says what stands there: `stripeClientSecret`."""
    return _TELLS.search(rest[:64]) is not None


def is_weak(name: bytes) -> bool:
    """Whether words under this name are no secret: a nonce, a cookie, a key that tells a project."""
    return len(name) <= 64 and _WEAK.fullmatch(name) is not None


def stands_apart(data: bytes, start: int, name: bytes) -> bool:
    """Whether it is a word of its own and no part of another: "pass" in "dbpass", not in "compass" or "bypass"."""
    before = data[max(0, start - 8) : start]
    if not before[-1:].isalpha():
        return True
    if name.lower() in _VENDOR_WORDS:
        return before[-1:].islower() and name[:1].isupper()
    return _OTHERS.search(before + name) is None


_VENDOR_WORDS = frozenset(re.findall(rb"[a-z0-9_]+", VENDOR))


def names_itself(value: bytes) -> bool:
    """Whether a value is made of the words for secrets, as the name of a field or of a header is."""
    return _SELF.search(value[:64]) is not None
