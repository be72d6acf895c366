from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import ConfigError
from hybridrag.providers.addresses import check_url, endpoint, is_local, is_loopback, origin

LOOPBACK = [
    "http://127.0.0.1",
    "http://127.0.0.1:8080/v1",
    "https://127.8.9.10/v1",
    "http://localhost:11434/v1",
    "HTTP://LOCALHOST/v1",
    "http://[::1]:8080/v1",
    "http://[0:0:0:0:0:0:0:1]/v1",
    "http://[::ffff:127.0.0.1]/v1",
]
ELSEWHERE = [
    "http://localhost@evil.example/v1",
    "http://localhost:8080@evil.example/v1",
    "http://127.0.0.1.evil.example/v1",
    "http://localhost.evil.example/v1",
    "http://evil.example/127.0.0.1",
    "http://evil.example/?@127.0.0.1",
    "http://evil.example#@127.0.0.1/",
    "http://127.0.0.1\\@evil.example/",
    "http://evil.example\\@127.0.0.1/",
    "http://127.0.0.1%2eevil.example/",
    "http://127.0.0.1\n.evil.example/",
    "\thttp://127.0.0.1/",
    "http://127.0.0.1/\n",
    "http://user:word@127.0.0.1/",
    "http://@127.0.0.1/",
    "http://127.0.0.01/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://127.0.0.256/",
    "https://example.com.9/",
    "https://a..example/",
    "https://.example/",
    "https://-a.example/",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/",
    "http://0.0.0.0:8080/",
    "http://10.0.0.1/",
    "http://[::]/",
    "http://[::1%25lo]/",
    "http://[::1/",
    "http://[fe80::1]/",
    "http://1２7.0.0.1/",
    "http://ⓛocalhost/",
    "http://127。0。0。1/",
    "http://localhost:0/",
    "http://localhost:080/",
    "http://localhost:99999/",
    "http://localhost:/",
    "http:///127.0.0.1",
    "http:127.0.0.1",
    "//127.0.0.1",
    "127.0.0.1:8080",
    "localhost",
    "ftp://127.0.0.1/",
    "unix://localhost",
    "",
    " ",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_loopback_written_out(url: str) -> None:
    assert is_loopback(url)
    check_url(url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_everything_else_is_not_loopback(url: str) -> None:
    assert not is_loopback(url)
    with pytest.raises(ConfigError):
        check_url(url)


@given(st.text(alphabet="htps:/@.\\#?%[]0127localevixmn \t\r\n。１", max_size=40))
def test_a_url_that_passes_means_the_same_host_to_httpx(text: str) -> None:
    for url in (text, f"http://127.0.0.1{text}", f"http://localhost{text}", f"https://{text}127.0.0.1"):
        try:
            check_url(url)
        except ConfigError:
            assert not is_loopback(url)
            continue
        parsed = httpx.URL(endpoint(url))
        assert not parsed.userinfo
        assert origin(url) == f"{parsed.scheme}://{parsed.netloc.decode()}"
        assert is_loopback(url) == (parsed.host == "localhost" or parsed.host.startswith("127."))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("api.example.com/v1", "begin with https"),
        ("ftp://api.example.com", "begin with https"),
        ("https://me:hunter2@api.example.com", "user name or password"),
        ("https://api.example.com/v1?key=hunter2", "query"),
        ("https://api.example.com/v1#hunter2", "fragment"),
        ("https://bücher.example", "xn--"),
        ("https://api.example.com:port", "not a valid URL"),
        ("http://api.example.com/v1", "not encrypted"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        check_url(url)
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_plain_http_is_for_what_the_user_listed_as_local() -> None:
    check_url("http://llm.corp.example:8000/v1", listed_local=True)
    check_url("https://llm.corp.example/v1")
    with pytest.raises(ConfigError):
        check_url("http://me@llm.corp.example:8000/v1", listed_local=True)


@pytest.mark.parametrize(
    "base",
    [
        "https://a.example/v1",
        "https://a.example/v1/",
        "https://a.example/v1//",
        "https://a.example/v1/chat/completions",
    ],
)
def test_the_endpoint_of_a_base_address(base: str) -> None:
    assert endpoint(base) == "https://a.example/v1/chat/completions"
    assert endpoint(endpoint(base) + "/") == endpoint(base)


@pytest.mark.parametrize(
    ("url", "listed", "local"),
    [
        ("http://127.0.0.1:8080/v1", [], True),
        ("http://gpu.lan:8000/v1", ["gpu.lan"], True),
        ("http://GPU.lan:8000/v1", [" Gpu.LAN "], True),
        ("http://gpu.lan:8000/v1", ["gpu.lan:8000"], True),
        ("http://gpu.lan:8000/v1", ["http://gpu.lan:8000/"], True),
        ("http://[fe80::1]:8000/v1", ["[fe80::1]"], True),
        ("http://gpu.lan:8000/v1", ["gpu.lan:80"], False),
        ("http://gpu.lan:8000/v1", ["https://gpu.lan:8000"], False),
        ("http://gpu.lan:8000/v1", ["http://gpu.lan"], False),
        ("http://gpu.lan.evil.example/v1", ["gpu.lan"], False),
        ("http://evil.example/gpu.lan", ["gpu.lan"], False),
        ("http://gpu.lan@evil.example/", ["gpu.lan"], False),
        ("http://mygpu.lan/v1", ["gpu.lan", "*.lan", "*", "", "://", "http://"], False),
        ("nonsense", ["nonsense", ""], False),
        ("https://api.example.com/v1", [], False),
    ],
)
def test_what_the_user_listed_as_local(url: str, listed: list[str], local: bool) -> None:
    assert is_local(url, listed) is local
