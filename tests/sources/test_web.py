"""Pages of the web: a real server on loopback, resolvers that lie, and every way an answer can be wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.sources import Listing, open_source
from hybridrag.sources.listing import Reader
from hybridrag.sources.reading import ReadError
from hybridrag.sources.web_address import permitted
from hybridrag.sources.web_body import decoded
from hybridrag.sources.web_fetch import Access, fetch
from hybridrag.sources.web_url import flaw_of, looks_like_url, page_at, parse_url
from hybridrag.types import RawDocument, Skipped, Source
from tests.servers.pages import Answer, PageServer

CERTIFICATE = Path(__file__).parent.parent / "servers" / "untrusted.pem"
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = b"<html><title>Meals</title><p>Meals cost 62 euros.</p></html>"
HERE = Access(allow_private=True, connect_s=5, silence_s=5, total_s=20)


@pytest.fixture
def site() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


def reader(
    site: PageServer, *paths: str, access: Access = HERE, limit: int = 1 << 20, seen: Mapping[str, str] | None = None
) -> Reader:
    source = Source("site", "web", site.url("").rstrip("/"), only=paths)
    return open_source(source, access=access, limit=limit, seen=seen)


def read(site: PageServer, path: str, **options: object) -> RawDocument | Skipped:
    opened = reader(site, path, **options)  # type: ignore[arg-type]
    listing = opened.list()
    return opened.read(listing.entries[0]) if listing.entries else listing.problems[0]


def refused(site: PageServer, path: str, **options: object) -> Skipped:
    found = read(site, path, **options)
    assert isinstance(found, Skipped), found
    assert found.uri == f"site/{path}"
    assert found.failed
    assert found.hint
    return found


def page(site: PageServer, path: str, **options: object) -> RawDocument:
    found = read(site, path, **options)
    assert isinstance(found, RawDocument), found
    return found


def to_loopback(host: str, port: int) -> Sequence[str]:
    """A resolver that finds this machine under any name."""
    return ["127.0.0.1"]


# --- addresses as they are written -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("https://example.com", "index"),
        ("HTTPS://Example.COM:443/", "index"),
        ("https://example.com/?q=1", "index?q=1"),
        ("https://example.com/index", "/index"),
        ("https://example.com//index", "//index"),
        ("https://example.com/a/b.html?x=y#part", "a/b.html?x=y"),
        ("https://example.com/über uns/", "%C3%BCber%20uns/"),
        ("https://example.com/a%20b", "a%20b"),
    ],
)
def test_an_address_is_a_path_inside_its_site_and_comes_back(written: str, path: str) -> None:
    url = parse_url(written)
    assert url is not None
    assert (url.origin, url.path) == ("https://example.com", path)
    assert page_at(url.origin, path) == url


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=20))
def test_any_address_comes_back_from_its_path(rest: str) -> None:
    url = parse_url(f"http://[::1]:81/{rest}")
    assert url is not None
    assert page_at(url.origin, url.path) == url
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    "written",
    [
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://127.0.0.1.:99999/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://ｌocalhost/",
        "http:///etc/passwd",
        "http:/example.com/x",
        "htp://example.com/x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "http://user:secret@example.com/",
        "https://secret@example.com/",
    ],
)
def test_what_is_no_address_of_a_page_is_told_without_what_may_be_secret(written: str) -> None:
    assert looks_like_url(written)
    assert parse_url(written) is None
    reason, hint = flaw_of(written)
    assert reason
    assert hint
    assert "secret" not in reason + hint


def test_a_windows_path_and_a_file_with_a_colon_are_no_addresses() -> None:
    assert not any(map(looks_like_url, ("C:\\docs\\a.md", "a:b.md", "notes.md", "./http", "-")))


# --- network addresses -----------------------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "10.1.2.3",
    "172.20.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "::7f00:1",
]
NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "255.255.255.255",
    "224.0.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "::",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "nonsense",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_a_word_of_the_user(address: str) -> None:
    for found in ([address], ["93.184.216.34", address], [address, "93.184.216.34"]):
        with pytest.raises(ReadError, match="private network") as caught:
            permitted("a.example", 80, resolve=lambda *_, found=found: found, allow_private=False)
        assert "--allow-private-addresses" in caught.value.hint
        assert permitted("a.example", 80, resolve=lambda *_, found=found: found, allow_private=True) == found


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_connected_to(address: str) -> None:
    for allowed in (False, True):
        with pytest.raises(ReadError, match="no page is fetched from"):
            permitted("a.example", 80, resolve=lambda *_: ["93.184.216.34", address], allow_private=allowed)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_connected_to(address: str) -> None:
    assert permitted("a.example", 80, resolve=lambda *_: [address], allow_private=False) == [address]


def test_nothing_is_connected_to_on_this_machine_without_a_word(site: PageServer) -> None:
    site["/"] = Answer(PAGE, HTML)
    assert "private network" in refused(site, "index", access=Access()).reason
    assert site.requests == []


def test_a_name_is_resolved_once_and_what_was_judged_is_connected_to(site: PageServer) -> None:
    """A name that means something harmless when it is judged, and this machine a moment later."""
    site["/"] = Answer(PAGE, HTML)
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

    url = parse_url(site.url("/", host="rebinding.example"))
    assert url is not None
    tried = Access(allow_private=True, resolve=rebinding, connect_s=0.2)
    with pytest.raises(ReadError):  # 192.0.2.1 (TEST-NET-1) answers nobody
        fetch(url, tried, into=io.BytesIO(), limit=1000, seen=None)
    assert (asked, site.requests) == (["rebinding.example"], [])


# --- a page ----------------------------------------------------------------------------------------------------------


def test_a_page_comes_with_its_type_its_address_and_its_time(site: PageServer) -> None:
    site["/hr/meals.html?y=1"] = Answer(PAGE, {**HTML, "Last-Modified": "Tue, 03 Mar 2026 10:00:00 GMT"})
    found = page(site, "hr/meals.html?y=1")
    assert (found.content, found.media_type, found.path) == (PAGE, "text/html", "hr/meals.html?y=1")
    assert found.modified == datetime(2026, 3, 3, 10, tzinfo=UTC)
    assert found.metadata == {"url": site.url("/hr/meals.html?y=1")}
    (request,) = site.requests
    assert request.headers["user-agent"].startswith("hybridrag/")
    assert request.headers["host"] == f"127.0.0.1:{site.port}"
    assert not {"cookie", "authorization", "referer"} & request.headers.keys()


def test_proxies_cookies_and_netrc_are_left_alone(
    site: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    site["/"] = Answer(b"", {"Location": "/b", "Set-Cookie": "session=1"}, status=302)
    site["/b"] = Answer(PAGE, HTML)
    assert page(site, "index").content == PAGE
    assert all(not {"cookie", "authorization"} & request.headers.keys() for request in site.requests)


@pytest.mark.parametrize(
    ("path", "said", "content", "kind"),
    [
        ("/a", "text/html", PAGE, "text/html"),
        ("/a", "", PAGE, "text/html"),
        ("/a.php", "text/html;charset=utf-8", PAGE, "text/html"),
        ("/a.md", "text/plain", b"# Meals\n\nThey cost 62 euros.\n", "text/markdown"),
        ("/a", "text/plain", b"Meals cost 62 euros.", "text/plain"),
        ("/a", "application/octet-stream", b"%PDF-1.7\n", "application/pdf"),
        ("/a", "text/html", b"%PDF-1.7\n", "application/pdf"),
        ("/a", "application/pdf", b"%PDF-1.7\n", "application/pdf"),
        ("/a", "application/json; charset=utf-8", b'{"a": 1}', "application/json"),
        ("/a", "text/xml", b"<a>Meals</a>", "application/xml"),
        ("/a.csv?x", "application/octet-stream", b"a,b\n1,2\n", "text/csv"),
    ],
)
def test_the_kind_is_what_the_server_or_the_bytes_say(
    site: PageServer, path: str, said: str, content: bytes, kind: str
) -> None:
    site[path] = Answer(content, {"Content-Type": said} if said else {})
    assert page(site, path[1:]).media_type == kind


def test_a_page_of_no_kind_and_an_empty_one_are_told(site: PageServer) -> None:
    site["/a"] = Answer(b"\x89PNG\0\1\2\3\4\5\6\7" * 50, {"Content-Type": "application/x-unknown"})
    assert "no parser" in refused(site, "a").reason
    site["/b"] = Answer(b"", HTML)
    found = read(site, "b")
    assert isinstance(found, Skipped)
    assert (found.reason, found.failed) == ("empty page", False)


def test_the_encoding_that_the_server_names_counts(site: PageServer) -> None:
    text = "<meta charset=utf-8><p>Ёлки стоят 62 рубля.</p>"
    site["/"] = Answer(text.encode("koi8-r"), {"Content-Type": "text/html; charset=koi8-r"})
    assert page(site, "index").content == b"\xef\xbb\xbf" + text.encode()
    site["/b"] = Answer(text.encode("koi8-r"), {"Content-Type": "text/html; charset=nonsense"})
    assert page(site, "b").content == text.encode("koi8-r")


# --- unchanged, gone, failed -----------------------------------------------------------------------------------------


def stamp_of(listing: Listing, path: str) -> str:
    (entry,) = (entry for entry in listing.entries if entry.path == path)
    assert entry.stamp is not None
    return str(entry.stamp)


@pytest.mark.parametrize(
    "headers", [{"ETag": '"v1"'}, {"Last-Modified": "Tue, 03 Mar 2026 10:00:00 GMT"}, {"ETag": 'W/"weak"'}]
)
def test_what_has_not_changed_is_not_sent_again(site: PageServer, headers: dict[str, str]) -> None:
    site["/a"] = Answer(PAGE, {**HTML, **headers})
    first = reader(site, "a").list()
    seen = {"a": stamp_of(first, "a")}
    again = reader(site, "a", seen=seen).list()
    assert stamp_of(again, "a") == seen["a"]
    assert (again.entries[0].size, again.problems) == (None, ())
    assert first.entries[0].stamp is not None
    assert first.entries[0].stamp.settled(0)
    site["/a"] = Answer(PAGE + b"more", {**HTML, **dict.fromkeys(headers, "Wed, 04 Mar 2026 10:00:00 GMT")})
    assert stamp_of(reader(site, "a", seen=seen).list(), "a") != seen["a"]


def test_what_has_not_changed_can_still_be_read(site: PageServer) -> None:
    site["/a"] = Answer(PAGE, {**HTML, "ETag": '"v1"'})
    seen = {"a": stamp_of(reader(site, "a").list(), "a")}
    opened = reader(site, "a", seen=seen)
    (entry,) = opened.list().entries
    found = opened.read(entry)
    assert isinstance(found, RawDocument)
    assert found.content == PAGE


def test_a_page_changed_within_the_second_is_not_relied_on(site: PageServer) -> None:
    now = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    site["/a"] = Answer(PAGE, {**HTML, "Last-Modified": now})
    (entry,) = reader(site, "a").list().entries
    assert entry.stamp is not None
    assert not entry.stamp.settled(0)
    site["/b"] = Answer(PAGE, HTML)
    assert reader(site, "b").list().entries[0].stamp is None


def test_a_stamp_is_shown_only_to_the_page_it_is_of(site: PageServer) -> None:
    """A redirect that leads elsewhere now must not be answered 304 for what was there before."""
    site["/a"] = Answer(b"", {"Location": "/v1"}, status=302)
    site["/v1"] = Answer(PAGE, {**HTML, "ETag": '"same"'})
    site["/v2"] = Answer(PAGE + b"new", {**HTML, "ETag": '"same"'})
    seen = {"a": stamp_of(reader(site, "a").list(), "a")}
    site["/a"] = Answer(b"", {"Location": "/v2"}, status=302)
    opened = reader(site, "a", seen=seen)
    found = opened.read(opened.list().entries[0])
    assert isinstance(found, RawDocument)
    assert found.content == PAGE + b"new"


@pytest.mark.parametrize("stored", ["", "nonsense", "[1]", '"abc"', "null", '["a", "b\\r\\nX: y", ""]', "[[], {}, 1]"])
def test_a_stamp_that_is_none_asks_for_the_page(site: PageServer, stored: str) -> None:
    site["/a"] = Answer(PAGE, HTML)
    assert page(site, "a", seen={"a": stored}).content == PAGE


def test_pages_that_are_gone_are_told_apart_from_those_that_fail(site: PageServer) -> None:
    site["/ok"] = Answer(PAGE, HTML)
    for status in (404, 410, 401, 403, 429, 500, 503, 204, 206, 304, 418):
        site[f"/{status}"] = Answer(b"", status=status)
    paths = ("ok", "404", "410", "401", "403", "429", "500", "503", "204", "206", "304", "418")
    listing = reader(site, *paths).list()
    assert [entry.path for entry in listing.entries] == ["ok"]
    assert listing.missing == ("404", "410")
    assert listing.unlisted == set(paths) - {"ok", "404", "410"}
    assert all(problem.failed and problem.hint and "HTTP" in problem.reason for problem in listing.problems)


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: PageServer, status: int) -> None:
    site["/a/b"] = Answer(b"", {"Location": "../c#top"}, status=status)
    site["/c"] = Answer(PAGE, HTML)
    found = page(site, "a/b")
    assert (found.path, found.content, found.metadata["url"]) == ("a/b", PAGE, site.url("/a/b"))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "no page is fetched from"),
        ("http://[::ffff:169.254.169.254]/", "no page is fetched from"),
        ("http://2852039166/", "no address of a web page"),
        ("file:///etc/passwd", "no address of a web page"),
        ("gopher://127.0.0.1:70/", "no address of a web page"),
        ("http://user:secret@127.0.0.1/", "no address of a web page"),
        ("//a@b/", "no address of a web page"),
        ("/loop", "more than 5 times"),
        ("", "no address of a web page"),
    ],
)
def test_redirects_that_are_not_followed(site: PageServer, location: str, reason: str) -> None:
    site["/loop"] = Answer(b"", {"Location": location}, status=302)
    found = refused(site, "loop")
    assert reason in found.reason
    assert "secret" not in found.reason + found.hint


def test_each_hop_is_judged(site: PageServer) -> None:
    """The first host is public, as far as the resolver says; the page there leads to this machine."""
    site["/a"] = Answer(b"", {"Location": f"http://inside.example:{site.port}/secret"}, status=302)
    site["/secret"] = Answer(b"secret", HTML)

    def resolving(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "127.0.0.1" else ["169.254.169.254"]

    found = refused(site, "a", access=Access(allow_private=True, resolve=resolving))
    assert "inside.example is 169.254.169.254" in found.reason
    assert [request.path for request in site.requests] == ["/a"]


def test_five_redirects_are_followed_and_no_more(site: PageServer) -> None:
    for number in range(7):
        site[f"/{number}"] = Answer(b"", {"Location": f"/{number + 1}"}, status=302)
    site["/7"] = Answer(PAGE, HTML)
    assert page(site, "2").content == PAGE
    assert "more than 5" in refused(site, "1").reason


# --- hostile servers -------------------------------------------------------------------------------------------------


def says(*pieces: bytes, then: Callable[[socket.socket], None] | None = None) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            if then is not None:
                then(connection)

    return handle


def endlessly(piece: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        while True:
            connection.sendall(piece)

    return send


def trickling(piece: bytes) -> Callable[[socket.socket], None]:
    def send(connection: socket.socket) -> None:
        pause = threading.Event()
        while not pause.wait(0.02):
            connection.sendall(piece)

    return send


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(OK + b"\r\n", then=endlessly(b"x" * 65536)), "too large"),
        (says(CHUNKED, then=endlessly(b"10000\r\n" + b"x" * 65536 + b"\r\n")), "too large"),
        (says(OK + b"Content-Length: 99999999999\r\n\r\n"), "too large"),
        (says(OK + b"Content-Length: 100\r\n\r\nshort"), "broke off"),
        (says(CHUNKED + b"5\r\nshort\r\n"), "broke off"),
        (says(CHUNKED + b"zz\r\nshort\r\n"), "broke off|no valid HTTP"),
        (says(OK, then=endlessly(b"X-A: " + b"a" * 1000 + b"\r\n")), "no valid HTTP"),
        (says(OK + b"X-A: ", then=endlessly(b"a" * 65536)), "no valid HTTP"),
        (says(b"", then=endlessly(b"a" * 65536)), "no valid HTTP"),
        (says(b"\x16\x03\x01 this is TLS"), "no valid HTTP"),
        (says(), "broke off"),
        (says(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(PAGE)[:-9]), "broke off"),
        (says(OK + b"Content-Encoding: gzip\r\n\r\nno gzip at all"), "cannot be unpacked"),
        (says(OK + b"Content-Encoding: br\r\n\r\n" + PAGE), "packs it in a way"),
        (says(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + PAGE), "packs it in a way"),
    ],
)
def test_wrong_answers_are_told(site: PageServer, answer: Callable[[socket.socket], None], reason: str) -> None:
    site["/a"] = answer
    found = refused(site, "a", limit=300_000)
    assert any(part in found.reason for part in reason.split("|")), found.reason


@pytest.mark.parametrize(
    "answer",
    [
        says(OK, then=trickling(b"X")),
        says(then=trickling(b"HTTP/1.1 100 Continue\r\n\r\n")),
        says(OK + b"\r\n", then=trickling(b"x")),
        says(CHUNKED, then=trickling(b"1\r\nx\r\n")),
        says(OK + b"Content-Encoding: gzip\r\n\r\n", then=trickling(gzip.compress(b""))),
    ],
)
def test_a_server_that_trickles_is_given_up(site: PageServer, answer: Callable[[socket.socket], None]) -> None:
    site["/a"] = answer
    started = time.monotonic()
    found = refused(site, "a", access=Access(allow_private=True, silence_s=5, total_s=0.3))
    assert found.reason == "took longer than 0.3 s"
    assert time.monotonic() - started < 4


def test_a_server_that_says_nothing_is_given_up(site: PageServer) -> None:
    over = threading.Event()

    def wait(_: socket.socket) -> None:
        over.wait(20)

    site["/a"] = wait
    assert "within 0.2 s" in refused(site, "a", access=Access(allow_private=True, silence_s=0.2)).reason
    over.set()


def test_nobody_listens(site: PageServer) -> None:
    with PageServer() as other:
        gone = other.port
    url = parse_url(f"http://127.0.0.1:{gone}/")
    assert url is not None
    with pytest.raises(ReadError, match="could not be reached: connection refused"):
        fetch(url, HERE, into=io.BytesIO(), limit=1000, seen=None)

    def nowhere(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert "was not found" in refused(site, "a", access=Access(resolve=nowhere)).reason


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 100_000_000])
def test_what_is_packed_is_counted_as_it_swells(size: int) -> None:
    packed = gzip.compress(b"x" * size)
    pieces = (packed[at : at + 7] for at in range(0, len(packed), 7))
    if size <= 1000:
        assert b"".join(decoded(pieces, "gzip", 1000)) == b"x" * size
    else:
        with pytest.raises(ReadError, match="too large"):
            list(decoded(pieces, "gzip", 1000))


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(1, 9), st.binary(max_size=3))
def test_packed_parts_come_out_in_any_pieces(parts: list[bytes], step: int, padding: bytes) -> None:
    packed = b"".join(map(gzip.compress, parts)) + (b"\0" + padding if parts else b"")
    if not packed:
        return
    pieces = (packed[at : at + step] for at in range(0, len(packed), step))
    assert b"".join(decoded(pieces, "gzip", 1000)) == b"".join(parts)


def test_zlib_is_not_what_was_asked_for() -> None:
    with pytest.raises(ReadError, match="was not asked for"):
        decoded(iter([zlib.compress(b"x")]), "deflate", 1000)


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure() -> Iterator[PageServer]:
    """A site with a certificate for 127.0.0.1 and localhost that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with PageServer(tls=context) as server:
        server["/"] = Answer(PAGE, HTML)
        yield server


def test_certificates_are_verified(secure: PageServer) -> None:
    found = refused(secure, "index")
    assert "certificate cannot be trusted" in found.reason
    assert "SSL_CERT_FILE" in found.hint
    assert secure.requests == []


def test_a_certificate_is_for_the_name_that_was_asked_for(secure: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert page(secure, "index").content == PAGE
    url = parse_url(secure.url("/", host="other.example"))
    assert url is not None
    with pytest.raises(ReadError, match="certificate cannot be trusted"):
        fetch(url, replace(HERE, resolve=to_loopback), into=io.BytesIO(), limit=1000, seen=None)
    assert len(secure.requests) == 1


def test_no_redirect_leads_from_https_to_http(
    secure: PageServer, site: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure["/a"] = Answer(b"", {"Location": site.url("/")}, status=302)
    assert "from https to http" in refused(secure, "a").reason
    assert site.requests == []
