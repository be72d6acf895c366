"""Web addresses and account names: what names somebody, and what anyone may read."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.domains import domains
from hybridrag.privacy.finders.handles import handles
from hybridrag.privacy.finders.websites import is_public

MASKED = [
    ("Our shop: https://www.mueller-bau.de/team/hans-mueller?x=1.", "https://www.mueller-bau.de/team/hans-mueller?x=1"),
    ("(see http://SmithPlumbing.co.uk)", "http://SmithPlumbing.co.uk"),
    ("[site](https://acme-widgets.com/a)", "https://acme-widgets.com/a"),
    ("<https://acme-widgets.com/>", "https://acme-widgets.com/"),
    ("https://acme-widgets.com/a_(b) is", "https://acme-widgets.com/a_(b)"),
    ("HTTPS://JANE-DOE.ME/", "HTTPS://JANE-DOE.ME/"),
    ("www.jane-doe.name, please", "www.jane-doe.name"),
    ("ftp://files.smith-family.net:2121/pub", "ftp://files.smith-family.net:2121/pub"),
    ("https://jdoe.github.io/cv", "https://jdoe.github.io/cv"),
    ("https://acme.atlassian.net/browse/X-1", "https://acme.atlassian.net/browse/X-1"),
    ("https://jane:pw@jane-doe.org/x", "https://jane:pw@jane-doe.org/x"),
    ("Besuchen Sie https://bäckerei-krüger.de/", "https://bäckerei-krüger.de/"),
    ("Visit acme-widgets.com today", "acme-widgets.com"),
    ("Our website is kanzlei-schmidt.info.", "kanzlei-schmidt.info"),
    ("Homepage: weber.ch", "weber.ch"),
    ("https://github.com/jdoe42", "jdoe42"),
    ("https://www.linkedin.com/in/jane-doe-123/", "jane-doe-123"),
    ("https://x.com/jdoe?s=20", "jdoe"),
    ("https://www.youtube.com/@janedoe", "janedoe"),
    ("https://www.cs.example.edu/~jdoe/paper.html", "jdoe"),
]


@pytest.mark.parametrize(("text", "value"), MASKED)
def test_a_site_or_account_that_names_someone_is_found_exactly(text: str, value: str) -> None:
    assert [text[span.start : span.end] for span in domains(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "https://docs.python.org/3/library/re.html and https://pypi.org/project/requests/",
        "https://github.com/python/cpython/issues/1 and https://github.com/features",
        "https://en.wikipedia.org/wiki/Ada_Lovelace, https://www.rfc-editor.org/rfc/rfc2606",
        "http://localhost:8000/items, http://127.0.0.1:8000/docs, https://example.com/x, http://db.internal.test/",
        "https://www.nasa.gov/x https://www.ox.ac.uk/ https://mit.edu/ https://www.service.gov.uk/",
        "https://yourapi.com/v1 and https://my-site.com/",
        "https://docs.render.com/deploy",
        "import numpy.core; asyncio.run(main()); self.net; foo.py, README.md, node.js, setup.cfg",
        "e.g. this, i.e. that; U.S.A.; 3.14.de; v1.2.net",
        "https://{host}/x, http://%s/, https://",
        "requests.get('https://api.github.com/repos')",
    ],
)
def test_public_sites_and_code_stay(text: str) -> None:
    assert [text[span.start : span.end] for span in domains(text)] == []


def test_what_is_public_is_decided_by_whole_labels() -> None:
    assert is_public("docs.python.org")
    assert not is_public("evilpython.org")
    assert not is_public("python.org.evil.de")
    assert is_public("www.tumblr.com")
    assert not is_public("jdoe.tumblr.com")
    assert is_public("www.bristol.ac.uk")
    assert not is_public("ac.uk.acme.de")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("username: jdoe42", "jdoe42"),
        ("Benutzername: h.mueller77.", "h.mueller77"),
        ('login = "jane_d0e"', "jane_d0e"),
        ("My Skype name is jane.doe.1980", "jane.doe.1980"),
        ("Telegram: @jane_doe", "@jane_doe"),
        ("Follow @jane_doe on Twitter", "@jane_doe"),
        ("thanks to @jdoe99 for the fix", "@jdoe99"),
    ],
)
def test_a_user_name_is_found_in_context(text: str, value: str) -> None:
    assert value in [text[span.start : span.end] for span in handles(text)]


@pytest.mark.parametrize(
    "text",
    [
        "username: str = Form()",
        "login(username=form_data.username, password=password)",
        "@app.get('/items')\n@property\n@pytest.mark.x",
        "import x from '@types/node'; @media print; @param name",
        "user_id: int, user_id=12345, username: string",
        "mail me @ noon",
    ],
)
def test_code_is_no_user_name(text: str) -> None:
    assert list(handles(text)) == []
