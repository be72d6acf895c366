"""Pages of the web from the command line: ingested, kept up to date, shown, cited, forgotten, refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from tests.conftest import CommandLine, Here
from tests.servers.pages import Answer, PageServer

HTML = {"Content-Type": "text/html; charset=utf-8"}
MEALS = b"<html><title>Meals</title><h1>Meals</h1><p>The meal allowance is 62 euros a day.</p></html>"
LEAVE = b"<html><title>Leave</title><h1>Leave</h1><p>The team lead approves days of leave.</p></html>"


@pytest.fixture
def site() -> Iterator[PageServer]:
    with PageServer() as server:
        server["/"] = Answer(LEAVE, {**HTML, "ETag": '"leave-1"'})
        server["/hr/meals?y=26"] = Answer(MEALS, {**HTML, "Last-Modified": "Tue, 03 Mar 2026 10:00:00 GMT"})
        yield server


@pytest.fixture
def run(cli: CommandLine, here: Here) -> CommandLine:
    return here(CommandLine(cli.home, {**cli.environment, "HYBRIDRAG_ALLOW_PRIVATE_ADDRESSES": "true"}))


def test_pages_are_kept_up_to_date(run: CommandLine, site: PageServer) -> None:
    name, meals = f"127.0.0.1:{site.port}", site.url("/hr/meals?y=26")
    first = run("ingest", site.url("/#top"), meals, "--json").json
    assert (first["documents"]["added"], first["problems"]) == (2, [])
    listed = run("documents", "list", "--json").json["documents"]
    assert [each["uri"] for each in listed] == [f"{name}/hr/meals?y=26", f"{name}/index"]
    shown = run("documents", "show", meals, "--json").json
    assert (shown["title"], shown["metadata"]["url"]) == ("Meals", meals)
    assert run("documents", "show", f"{name}/index").code == 0
    filtered = run("documents", "list", "--filter", f"meta.url:{site.url('/hr/**')}", "--json").json["documents"]
    assert [each["title"] for each in filtered] == ["Meals"]
    source = run("sources", "show", name, "--json").json
    assert (source["kind"], source["root"], source["only"]) == ("web", site.url(""), ["index", "hr/meals?y=26"])

    site.requests.clear()
    synced = run("sync", "--json").json
    assert (synced["documents"]["unchanged"], synced["bytes_read"]) == (2, 0)
    asked = {request.path: request.headers for request in site.requests}
    assert asked["/"]["if-none-match"] == '"leave-1"'
    assert asked["/hr/meals?y=26"]["if-modified-since"] == "Tue, 03 Mar 2026 10:00:00 GMT"
    assert run("sync", "--verify", "--json").json["bytes_read"] > 0

    site["/"] = Answer(LEAVE.replace(b"team lead", b"director"), {**HTML, "ETag": '"leave-2"'})
    site["/hr/meals?y=26"] = Answer(b"", status=503)
    synced = run("sync", "--json").json
    assert (synced["documents"]["updated"], synced["documents"]["failed"]) == (1, 1)
    (problem,) = synced["problems"]
    assert (problem["uri"], "HTTP 503" in problem["reason"]) == (f"{name}/hr/meals?y=26", True)
    assert "director" in run("documents", "show", site.url("/")).out
    assert run("documents", "show", meals).code == 0, "a page that fails is kept"

    del site["/hr/meals?y=26"]
    assert run("sync", "--json").json["documents"]["removed"] == 1
    assert run("documents", "show", meals).code == 2

    cited = run("ask", "Who approves days of leave?", "--json").json["citations"]
    assert cited[0]["location"]["url"] == site.url("/")


def test_all_pages_gone_at_once_are_not_removed_without_a_word(run: CommandLine, site: PageServer) -> None:
    assert run("ingest", site.url("/"), site.url("/hr/meals?y=26")).code == 0
    del site["/"]
    del site["/hr/meals?y=26"]
    refused = run("sync")
    assert (refused.code, "--allow-mass-delete" in refused.err) == (8, True)
    assert run("sync", "--allow-mass-delete", "--json").json["documents"]["removed"] == 2


def test_a_page_is_no_folder_of_the_pages_below_it(run: CommandLine, site: PageServer) -> None:
    site["/hr"], site["/hr/meals"] = Answer(LEAVE, HTML), Answer(MEALS, HTML)
    assert run("ingest", site.url("/hr"), site.url("/hr/meals")).code == 0
    del site["/hr"]
    again = run("ingest", site.url("/hr"), "--json")
    assert again.json["documents"]["removed"] == 1
    assert run("documents", "show", site.url("/hr/meals")).code == 0
    gone = run("ingest", site.url("/hr"), "--json")
    assert (gone.code, "HTTP 404" in gone.json["problems"][0]["reason"]) == (6, True)


def test_a_mistyped_address_is_not_remembered_and_one_that_worked_is(run: CommandLine, site: PageServer) -> None:
    wrong = run("ingest", site.url("/hr/maels"), "http://no-such-host.invalid/page", "--json")
    assert (wrong.code, {"not remembered" in each["reason"] for each in wrong.json["problems"]}) == (6, {True})
    assert run("sources", "list", "--json").json["sources"] == []
    assert run("documents", "list", "--problems", "--json").json["problems"] == []

    name = f"127.0.0.1:{site.port}"
    mixed = run("ingest", site.url("/"), site.url("/hr/maels"), "--json")
    assert (mixed.code, mixed.json["documents"]["added"], mixed.json["documents"]["failed"]) == (0, 1, 1)
    more = run("ingest", site.url("/hr/mails"), "--label", "public", "--json")
    assert (more.code, "not remembered" in more.json["problems"][0]["reason"]) == (6, True)
    shown = run("sources", "show", name, "--json").json
    assert (shown["only"], shown["label_globs"]) == (["index"], [])

    site["/"] = Answer(b"", status=503)
    for again in (run("sync", "--json"), run("ingest", site.url("/"), "--json")):
        assert "not remembered" not in again.json["problems"][0]["reason"]
        assert "HTTP 503" in run("documents", "list", "--problems").out
    assert run("sources", "show", name, "--json").json["only"] == ["index"]
    assert run("documents", "show", site.url("/")).code == 0


def test_a_forgotten_page_is_not_fetched_again(run: CommandLine, site: PageServer) -> None:
    site["/hr"] = Answer(MEALS, HTML)
    assert run("ingest", site.url("/hr"), site.url("/hr/meals?y=26")).code == 0
    assert run("documents", "forget", site.url("/hr"), "--yes").code == 0
    site.requests.clear()
    assert run("sync", "--json").json["documents"]["unchanged"] == 1
    assert [request.path for request in site.requests] == ["/hr/meals?y=26"]


def test_what_is_forgotten_of_an_archive_on_the_web_stays_away(run: CommandLine, site: PageServer) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("cid.md", "dan.md"):
            archive.writestr(name, f"# Staff\n\nThe salary of {name} is 4711 euros.\n")
    site["/old.zip"] = Answer(made.getvalue(), {"Content-Type": "application/zip"})
    name = f"127.0.0.1:{site.port}"
    assert run("ingest", site.url("/"), site.url("/old.zip")).code == 0
    for forgotten, left in (
        (f"{name}/old.zip/cid.md", [f"{name}/index", f"{name}/old.zip/dan.md"]),
        (site.url("/old.zip"), [f"{name}/index"]),
    ):
        assert run("documents", "forget", forgotten).code == 0
        assert run("sync").code == 0
        assert [each["uri"] for each in run("documents", "list", "--json").json["documents"]] == left
    assert run("sources", "show", name, "--json").json["only"] == ["index"]


def test_private_addresses_are_refused(cli: CommandLine, here: Here, site: PageServer) -> None:
    run = here(cli)
    refused = run("ingest", site.url("/"), "--json")
    assert (refused.code, site.requests) == (6, [])
    (problem,) = refused.json["problems"]
    assert "--allow-private-addresses" in problem["hint"]
    allowed = run("ingest", site.url("/"), "--allow-private-addresses", "--json")
    assert (allowed.code, allowed.json["documents"]["added"]) == (0, 1)
    synced = run("sync")
    assert "private network" in synced.err
    assert run("documents", "show", site.url("/")).code == 0
    assert run("sync", "--allow-private-addresses", "--json").json["documents"]["unchanged"] == 1
    (cli.home / "hybridrag.toml").write_text("allow_private_addresses = true\n")
    project = run("sync")
    assert (project.code, "a project file may not set" in project.err) == (3, True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("http://user:secret@example.com/a", "user name or password"),
        ("htp://example.com/a", "begins with https://"),
        ("http:/example.com/a", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("http://2130706433/", "no address of a web page"),
        ("https://bücher.example/", "xn--"),
    ],
)
def test_addresses_that_are_none_are_told(cli: CommandLine, here: Here, written: str, said: str) -> None:
    refused = here(cli)("ingest", written, "--json")
    assert refused.code == 2
    error = json.loads(refused.err.splitlines()[-1])
    assert said in f"{error['message']} {error['hint']}"
    assert "secret" not in refused.err + refused.out


def test_offline_nothing_is_fetched(run: CommandLine, site: PageServer) -> None:
    assert run("ingest", site.url("/")).code == 0
    site.requests.clear()
    refused = run("ingest", site.url("/"), "--offline")
    assert (refused.code, "--offline" in refused.err) == (2, True)
    synced = run("sync", "--offline", "-v")
    assert (synced.code, "stays as it is" in synced.err) == (0, True)
    assert site.requests == []


def test_another_site_of_the_same_name_needs_a_name(run: CommandLine, site: PageServer) -> None:
    assert run("ingest", site.url("/"), "--source", "handbook").code == 0
    assert run("ingest", site.url("/hr/meals?y=26"), "--json").json["documents"]["added"] == 1
    assert [each["name"] for each in run("sources", "list", "--json").json["sources"]] == ["handbook"]
    docs = run.home / "handbook"
    docs.mkdir()
    (docs / "a.md").write_text("# A\n\nText.\n")
    clash = run("ingest", str(docs))
    assert (clash.code, "--source NAME" in clash.err) == (2, True)
