"""What is found and what is left alone, one format a line."""

from __future__ import annotations

import pytest

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.scanning import scan
from tests.privacy.hostile import is_linear

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK=\n-----END RSA PRIVATE KEY-----"

FOUND = {
    "EMAIL": [
        "john.doe+tag@example.co.uk",
        "o'brien@example.ie",
        "пётр@почта.рф",
        "用户@例子.公司",
        "j@xn--bcher-kva.example",
        "john@ example.com",
        "john [at] example [dot] com",
        "john(at)example(dot)com",
        "john at example dot com",
        "john@\nexample.com",
        "john@exam\nple.com",
        "john@example.\ncom",
        "ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "john%40example.com",
        "john&#64;example&period;com",
        "jo\u200bhn@exa\u00admple.com",
        "john\\@example.com",
        "john\\u0040example.com",
        "john<b>@</b>example.com",
        '"john doe"@example.com',
        "john@[192.168.0.77]",
        "john{at}example{dot}de",
        "john.doe at example.com",
        "john -at- example -dot- com",
        "john @example.com",
    ],
    "PHONE": [
        "+49 30 1234567",
        "+49 (0)30 123456-78",
        "0049 30 1234567",
        "030 1234567",
        "030/1234567",
        "(030) 123 45 67",
        "0171-1234567",
        "01711234567",
        "089 / 12 34 56 78",
        "(541) 754-3010",
        "(541)754-3010",
        "541-754-3010",
        "541.754.3010",
        "541 754 3010",
        "1-541-754-3010",
        "+1 541 754 3010",
        "+1 (541) 754-3010 ext. 12",
        "+15417543010",
        "5417543010",
        "001-345-899-3560",
        "345-899-3560x4587",
        "03.93.92.16.85",
        "+44 20 7946 0958",
        "+447700 921 916",
        "020 7946 0958",
        "+33 1 23 45 67 89",
        "+41 44 668 18 00",
        "+81-3-1234-5678",
        "+91 98765 43210",
        "+86 138 0013 8000",
        "٠٣٠ ١٢٣٤٥٦٧",
        "+49\u00a030\u20111234567",
        "+49 30\n1234567",
        "＋４９ ３０ １２３４５６７",
        "%2B49%20301234567",
        "+49·30·1234567",
        "+1-541-754-\n3010",
        "011 49 30 1234567",
        "8 (495) 123-45-67",
        "+49-(0)-171-1234567",
        "(+49) 30 1234567",
        "06 12 34 56 78",
    ],
    "CARD": [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "5500-0000-0000-0004",
        "378282246310005",
        "3782 822463 10005",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "6011 1111 1111 1117",
        "3530111333300000",
        "4111 1111\n1111 1111",
        "４１１１１１１１１１１１１１１１",
        "4111-1111-1111-1112",
        "2223003122003222",
        "30569309025904",
    ],
    "IBAN": [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "de89 3704 0044 0532 0130 00",
        "DE89-3704-0044-0532-0130-00",
        "GB82 WEST 1234 5698 7654 32",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
        "DE89 370400440532013000",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NI45BAPR00000013000003558124",
        "DE89 3704 0044\n0532 0130 00",
        "DE00370400440532013000",
        "DE89_3704_0044_0532_0130_00",
        "D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0",
    ],
    "IP": [
        "192.168.1.10",
        "10.0.0.5",
        "8.8.8.8",
        "2001:db8::1",
        "fe80::1",
        "2001:db8:85a3::8a2e:370:7334",
        "6e40:4041:c617:e898:c11:40d2:c669:2eb4",
        "::ffff:192.0.2.128",
        "192[.]168[.]2[.]1",
        "192 . 168 . 1 . 20",
    ],
    "SSN": ["536-22-1234", "536 22 1234", "536.22.1234", "536‑22‑1234", "853-37-1694", "536-22-\n1234"],
    "SECRET": [
        "sk-proj-abc123def456ghi789jkl012",
        "sk-ant-api03-AbCdEf0123456789-xyz_ABCDEFG",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_1234567890abcdefghijABCDEFGHIJ123456",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
        "glpat-abcdefgh12345678ABCD",
        "xoxb-123456789012-abcdefGHIJKL",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "fw_3ZabcdefGHIJ12345678",
        "tgp_v1_abcdefghijklmnop1234567890",
        JWT,
        PEM,
        PEM.replace("\n", "\\n"),
    ],
}

ASSIGNED = [
    ("password = hunter2", "hunter2"),
    ("password: swordfish", "swordfish"),
    ("DB_PASSWORD=correcthorse", "correcthorse"),
    ("PASSWORD='correct horse battery staple'", "correct horse battery staple"),
    ('api_key: "abcd1234efgh"', "abcd1234efgh"),
    ('{"password": "Sommer2024!"}', "Sommer2024!"),
    ('{\\"password\\": \\"Sommer2024!\\"}', "Sommer2024!"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("postgres://admin:s3cr3t@db.example.com/x", "s3cr3t"),
    ("https://user:p%40ss@host/", "p%40ss"),
    ("postgres://user:p@ss/w0rd@host/db", "p@ss/w0rd"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("curl -H 'Authorization: Bearer abcdef123456'", "abcdef123456"),
    ("curl -u admin:hunter2 http://x", "hunter2"),
    ("Server=x;Password=My$ecret;User Id=sa", "My$ecret"),
    ("Das Passwort lautet Sommer2024", "Sommer2024"),
    ("<password>hunter2</password>", "hunter2"),
    ("SSN 536221234", "536221234"),
    ("phone: 467 3395", "467 3395"),
    ("call 555-0132", "555-0132"),
    ("the PIN is 4711", "4711"),
    ("use token abcdefghijklmnop1234 here", "abcdefghijklmnop1234"),
    ("id card4111111111111111", "4111111111111111"),
    ("my card 180016070420458 is", "180016070420458"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEabcabcabcabcabcabc\nMIIEabcabcabcabcabcabc", "MIIEabcabcabcabcabcabc"),
    ("mail am9obi5kb2VAZXhhbXBsZS5jb20= it", "am9obi5kb2VAZXhhbXBsZS5jb20="),
    ("hex 6a6f686e2e646f65406578616d706c652e636f6d", "6a6f686e2e646f65406578616d706c652e636f6d"),
]

LEFT = [
    "version 1.2.3.4 of 2024-01-02 12:30:45, released 01.02.2024 12:30",
    "ISBN 978-3-16-148410-0 and 9783161484100, RFC 2616, lines 100-2000, 1536x1024",
    "http://127.0.0.1:8000/items/5?q=1 on 0.0.0.0, mask 255.255.255.0, ::1",
    "std::vector<int> a::b; dead::beef; 12:30:45:11",
    "1,234,567,890 and 1 000 000 2 000 000 and 3.14159265358979 and 0.4111111111111111",
    "2147483647 4294967295 1700000000 1700000000000 2019 2020 2021 2022 10000000",
    "commit e5f64111111111111111abcdef0123456789abcd and 550e8400-e29b-41d4-a716-446655440000",
    "def login(password: str, token: Annotated[str, Depends(scheme)]) -> None: password = form.password",
    'api_key=os.environ["KEY"], api_key="YOUR_API_KEY", x-api-key: $ANTHROPIC_API_KEY, max_tokens: 1024',
    '"token_type": "bearer", token = create_access_token(data), token=token, password: the string a user types',
    "@app.get('/')\nasync def read(): ...  # see logo@2x.png and package@1.2.3, root@localhost",
    "There is no reason to use @st.composite, -9.99e-01 1.0e+07\n 2 -2.152861, token = token[:-1]",
    "The crew met the team at example.com and read the news at 10",
    "in 20 days we have been to room 12 34 56, at 10 2034 people, PF-04449913, EC 1.14.16.2",
    "sk-learn-contrib-packages-more task-management-system meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "password = ⟦SECRET·a7f3⟧ and ⟦EMAIL_1·a7f3⟧",
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in FOUND.items() for value in values])
@pytest.mark.parametrize("sentence", ["{}", "Please note {}, thanks.", "(see {})", "Zeile\n{}\nEnde"])
def test_value_is_covered_in_any_surrounding(kind: str, value: str, sentence: str) -> None:
    text = sentence.format(value)
    spans = scan(text, builtin_detectors())
    covered = "".join(text[span.start : span.end] for span in spans)
    assert value in covered
    assert kind in {span.type for span in spans}
    assert len(covered) <= len(value) + 2, "more than the value is masked"


@pytest.mark.parametrize(("text", "value"), ASSIGNED)
def test_value_is_covered_because_of_what_stands_around_it(text: str, value: str) -> None:
    start = text.index(value)
    spans = scan(text, builtin_detectors())
    assert any(span.start <= start and start + len(value) <= span.end for span in spans)


@pytest.mark.parametrize("text", LEFT)
def test_ordinary_technical_text_is_left_alone(text: str) -> None:
    assert scan(text, builtin_detectors()) == ()


@pytest.mark.parametrize(
    "model",
    [
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "accounts/fireworks/models/llama-v3p3-70b-instruct",
        "deepseek-ai/DeepSeek-V3-0324",
        "Qwen/Qwen2.5-72B-Instruct-Turbo",
        "moonshotai/Kimi-K2-Instruct-0905",
        "gpt-4o-2024-08-06",
        "claude-3-5-sonnet-20241022",
        "openai/gpt-oss-120b",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "accounts/acme/deployedModels/qwen3-235b-a22b-instruct-2507",
    ],
)
def test_model_names_are_not_values(model: str) -> None:
    assert scan(model, builtin_detectors()) == ()


def test_overlaps_become_one_span_and_a_secret_wins() -> None:
    text = "postgres://admin:hunter2@db.example.com/x"
    spans = scan(text, builtin_detectors())
    assert [span.type for span in spans] == ["SECRET"]
    assert text[spans[0].start : spans[0].end].startswith("admin:hunter2")


def test_a_chunk_that_begins_inside_a_private_key_is_covered() -> None:
    text = "Q2hhcmxlcyBCYWJiYWdlIGFuZCBBZGEg\nTG92ZWxhY2UgbWV0IGluIDE4MzMu\n-----END EC PRIVATE KEY-----\nafter"
    spans = scan(text, builtin_detectors())
    assert text[spans[0].end :] == "\nafter"
    assert spans[0].start == 0


@pytest.mark.parametrize("unit", ["a", "1 ", "+1", "&amp;", "[at]", "eyJ.", "A ", "Ab, "])
def test_work_is_linear_in_hostile_input(unit: str) -> None:
    detectors = builtin_detectors()
    assert is_linear(lambda text: scan(text, detectors), unit, size=10_000, times=8, bound=24)
