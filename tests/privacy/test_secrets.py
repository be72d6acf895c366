"""Credentials of every published format in the idioms of many file kinds are covered; other source is left alone."""

from __future__ import annotations

import random

import pytest

from hybridrag.privacy.detectors import secrets
from hybridrag.privacy.scanning import scan
from tests.privacy.made_credentials import ASSIGNED, FAMILIES, VENDORS, credential, name

HOST = '''def run(first: int, second: int) -> int:
    """Adds. See https://docs.example.com/add?page=2 for more."""
    return first + second

'''
EACH = 60


def covered(text: str, value: str) -> bool:
    start = text.index(value)
    inside = bytearray(len(text))
    for span in scan(text, [secrets()]):
        inside[span.start : span.end] = b"\1" * (span.end - span.start)
    return all(inside[at] or not text[at].isalnum() for at in range(start, start + len(value)))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_token_is_covered_wherever_it_stands(vendor: str) -> None:
    rng = random.Random(vendor)
    for sentence in ("{}", "see {} there", "x = '{}'", '{{"a": "{}"}}', "<td>{}</td>", "line\n{}\nline", "a\\n{}\\n"):
        value = VENDORS[vendor](rng)
        assert covered(sentence.format(value), value), sentence.format(value)


@pytest.mark.parametrize("family", FAMILIES)
def test_nearly_all_planted_values_are_covered(family: str) -> None:
    rng = random.Random(family)
    missed = []
    for _ in range(EACH):
        kind, line, value = credential(rng, family)
        if not covered(HOST + line + "\n" + HOST, value):
            missed.append((kind, line))
    assert len(missed) <= EACH * 0.05, missed


@pytest.mark.parametrize("kind", ASSIGNED)
def test_every_idiom_of_assignment_is_understood(kind: str) -> None:
    rng = random.Random(kind)
    value = "tR7kZ2mQ9xW4vB6n"
    for word in ("password", "api_key", "secret"):
        line = ASSIGNED[kind][1](name(rng, (word,)), value)
        assert covered(HOST + line + "\n", value), line


@pytest.mark.parametrize(
    "text",
    [
        "password = get_password()",
        "password: str | None = None",
        "const token = await auth.getToken(user);",
        'label = "Password"',
        '"password": "Passwort",\n"token": "Token",\n"login.password.hint": "Enter your password"',
        'raise ValueError("password must have 8 characters")',
        "self.password = password",
        "if (password === confirmPassword) {",
        "password = os.environ['DB_PASSWORD']",
        "API_KEY = <your key>\nAPI_KEY=${API_KEY}\napi_key: {{ api_key }}\ntoken: xxxxxxxx",
        'integrity="sha512-q7RtW2zKx9LmPa4VbN8sYcJd5HfGe3Qu1Taoq7RtW2zKx9LmPa4VbN8sYcJd5HfGe3Qu1TaoAA=="',
        '"resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz#da39a3ee5e6b4b0d3255bfef95601890afd80709"',
        "--hash=sha256:da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef",
        "id: 550e8400-e29b-41d4-a716-446655440000, commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "the bypass = 17 valves; compass: north4; a passenger: anna1",
        "tokens = tokenizer.encode(text, max_length=512)",
        "token_type = 'bearer'; token_url='/api/v1/token'; password_file=/run/secrets/db_1",
        "color: #a1b2c3d4; background: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA)",
        "key = lambda item: item.name2; sort_key=by_name_1; primary_key=True; cache_key = f'{a}:{b}'",
        "Enter the password twice. The token is sent with each request. Das Passwort wird nie gespeichert.",
        "seed = 42; random_seed: 1234; torch.manual_seed(0)",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQsw\n-----END CERTIFICATE-----",
        "const id = 'msg_01Q8Faay6S7QPTvEUUQARt7h'; // a message's number",
        'import x from "/OMAP/abe-twl6040/SDP4430/Record"; #define DER_OID_V_sha384WithRSAEncryption 3',
        '"dependencies": {"minipass": "^7.1.3"}; std::function<void(ov::pass::MatcherPass*)> made',
        "SHA1 Fingerprint: 4c:dd:51:a3:d1:f5:20:32:14:b0:c6:c5:32:23:03:91:c7:46:42:6d",
        "secrets.pyi,sha256=IrwNYsRo8gkFA4FkqJSPKwYqcAgDnGcgrm3Pu6Y4Yxs,660",
        "name,token_type,host\nprod,bearer,db1\n",
        "docker run -u app -p 8080:80 img; zip -r -P3 a.zip x",
        "server.login(user, password); connect('db1', 'admin', password='')",
        "assert hashlib.md5(data).hexdigest() == '9e107d9d372bb6826bd81d3542a419d6'",
    ],
)
def test_what_only_mentions_secrets_is_left_alone(text: str) -> None:
    assert [text[span.start : span.end] for span in scan(text, [secrets()])] == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nQ2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\nQ2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg\n=ab3D\n"
        "-----END PGP PRIVATE KEY BLOCK-----\n",
        "> -----BEGIN RSA PRIVATE KEY-----\n> Q2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg\n> -----END RSA PRIVATE KEY-----\n",
        "'-----BEGIN EC PRIVATE KEY-----\\\\nQ2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg\\\\n-----END EC PRIVATE KEY-----'\n",
    ],
)
def test_a_key_is_covered_whole_and_the_sentence_after_it_is_not(text: str) -> None:
    spans = scan(text + "Then restart the server and wait.", [secrets()])
    masked = "".join(text[span.start : span.end] for span in spans)
    assert "Q2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg" in masked
    assert max(span.end for span in spans) <= len(text)


def test_a_key_that_never_ends_does_not_swallow_the_text() -> None:
    text = "-----BEGIN PRIVATE KEY-----\n\nis how a key begins. " + "The rest is prose about keys. " * 50
    (span,) = scan(text + "-----END PRIVATE KEY-----", [secrets()])[:1]
    assert span.end < 60


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('api_key = "q7RtW2zKx9L" + "mPa4VbN8sYc"', ["q7RtW2zKx9L", "mPa4VbN8sYc"]),
        ("API_KEY = (\n    'q7RtW2zKx9L'\n    'mPa4VbN8sYc'\n)", ["q7RtW2zKx9L", "mPa4VbN8sYc"]),
        ("secret = 'q7RtW2zKx9L'\n    . 'mPa4VbN8sYc';", ["q7RtW2zKx9L", "mPa4VbN8sYc"]),
        ("user,password\nann,Quartz2011\nbob,velvet77x\n", ["Quartz2011", "velvet77x"]),
        ("INSERT INTO u (id, password) VALUES (1, 'Quartz2011'), (2, 'velvet77x')", ["Quartz2011", "velvet77x"]),
        ("session_secret = 'oyster-thunder-harbor-lamp'", ["oyster-thunder-harbor-lamp"]),
        ("password=TunnelMonkeyHarbor\n", ["TunnelMonkeyHarbor"]),
        ("connect(host, 'x', 'tR7kZ2mQ9xW4vB6nHs3d')", ["tR7kZ2mQ9xW4vB6nHs3d"]),
        ("can you send me the token?\nsure, it's tR7kZ2mQ9x", ["tR7kZ2mQ9x"]),
    ],
)
def test_values_in_parts_in_tables_and_of_words_are_covered(text: str, parts: list[str]) -> None:
    assert all(covered(text, part) for part in parts), [text[s.start : s.end] for s in scan(text, [secrets()])]


def test_a_value_whose_quotes_never_close_is_no_fault() -> None:
    assert list(secrets().detect('Passwort ="Hu7xk')) is not None
    assert list(secrets().detect('password "Hu7xk')) is not None


def test_a_token_broken_at_the_end_of_a_line_is_covered() -> None:
    text = "use ghp_q7RtW2zKx9LmPa4VbN8s\n  YcJd5HfGe3Qu1Tao for it"
    (span,) = scan(text, [secrets()])
    assert text[span.start : span.end].endswith("1Tao")
