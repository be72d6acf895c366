"""Where the words stand that secrets keep company with, so that costly patterns look only there.

One pass over the text finds every word; a rule then searches the surroundings of its own words. Surroundings that
meet are one, so nothing is searched twice and the work stays linear.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from hybridrag.privacy.finders.patterns import compiled

NAMES = (
    b"pass", b"pwd", b"psw", b"pw", b"key", b"token", b"secret", b"kennw", b"cred", b"jwt", b"bearer", b"auth",
    b"salt", b"nonce", b"seed", b"cookie", b"dsn", b"connection", b"webhook", b"senha", b"contrase", b"mot de",
    b"mot_de", b"mot-de", b"motde", b"zugang", b"session", b"login", b"losung", b"geheim", b"schl\xe9", b"schluess",
    b"haslo", b"has\xe9", b"pepper", b"wachtw", b"pincode", b"pin_", b"pin-", b"pin code", b"pin number",
    b"psk",
)  # fmt: skip
"""Parts of the names under which secrets are kept."""

VENDORS = (
    b"aws", b"azure", b"gcp", b"github", b"gitlab", b"slack", b"stripe", b"twilio", b"sendgrid", b"mailgun",
    b"mailchimp", b"openai", b"anthropic", b"cohere", b"mistral", b"deepseek", b"groq", b"heroku", b"datadog",
    b"dd_", b"relic", b"pagerduty", b"okta", b"algolia", b"cloudflare", b"fastly", b"netlify", b"vercel",
    b"supabase", b"linode", b"hetzner", b"vultr", b"sentry", b"snyk", b"sonar", b"codecov", b"coveralls", b"travis",
    b"circleci", b"jenkins", b"artifactory", b"nexus", b"npm", b"pypi", b"nuget", b"docker", b"quay", b"discord",
    b"telegram", b"paypal", b"braintree", b"square", b"plaid", b"shopify", b"airtable", b"asana", b"trello",
    b"notion", b"figma", b"dropbox", b"zendesk", b"hubspot", b"intercom", b"mixpanel", b"amplitude", b"launchdarkly",
    b"rollbar", b"bugsnag", b"splunk", b"grafana", b"influx", b"databricks", b"snowflake", b"confluent", b"postmark",
    b"linear",
)  # fmt: skip
_OTHERS = (
    b"akia", b"asia", b"://", b"basic", b"sid=", b"sess=", b"sessid", b"saml", b"sig=", b"signature", b"sv_sig",
    b"code=", b"hmac=", b"sas=", b" -u", b"--user", b"--proxy", b"mysql", b"maria", b"redis-cli", b"mongo ", b"smb",
    b"identified ", b"x-goog", b"x-amz", b"net user", b"add_user", b"alias set", b"oracle:thin", b"sqlplus", b"zip ",
    b"7z", b"rar ", b"plink", b"openssl", b"ldap", b"community", b"enable ", b"connect", b"pdo(", b"hmac", b"crypt",
    b"aes.", b"fernet", b"sign_in", b"signin", b"radius", b"tacacs", b"\"kty\"", b"sudo -s", b"stdin", b"mysqli",
    b"jose",
)  # fmt: skip
_WORDS = NAMES + VENDORS + _OTHERS
_BLOCK = 128
_BEFORE, _AFTER = 1, 2
_SPACE = re.compile(rb"\s")


@lru_cache(maxsize=64)
def around(data: bytes, *words: bytes) -> tuple[tuple[int, int], ...]:
    """The surroundings of these words in `data`, in order and apart: 128 to 256 characters before one, 256 to 384
    after it and on to the next blank."""
    return tuple(_around(data, words))


def _around(data: bytes, words: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    found = _found(data)
    if found.keys().isdisjoint(words):
        return
    blocks = sorted({position // _BLOCK for word in words for position in found.get(word, ())})
    done = 0
    at = 0
    while at < len(blocks):
        first = last = blocks[at]
        while at < len(blocks) and blocks[at] <= last + _BEFORE + _AFTER + 1:
            last = blocks[at]
            at += 1
        start, end = max(done, (first - _BEFORE) * _BLOCK, 0), (last + _AFTER + 1) * _BLOCK
        if end <= done:
            continue
        blank = _SPACE.search(data, end)
        done = blank.start() if blank else len(data)
        yield start, done


def matches(pattern: bytes, data: bytes, *words: bytes) -> Iterator[Any]:
    """The matches of `pattern` near one of these words."""
    for start, end in around(data, *words):
        yield from compiled(pattern).finditer(data, start, end)  # compiled where it is needed: most are not, mostly


@lru_cache(maxsize=2)
def _found(data: bytes) -> dict[bytes, array[int]]:
    positions: dict[bytes, array[int]] = {}
    for match in compiled(_ANY).finditer(data):
        word = match.group().lower()
        if word not in positions:
            positions[word] = array("q")
        positions[word].append(match.start())
    return positions


_ANY = rb"(?i)\bpin\b|" + b"|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
