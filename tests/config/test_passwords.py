"""No password of a database address is shown, however it is written."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.config import has_password, mask_password

_host = st.sampled_from(["db.example", "10.0.0.1", "[::1]", "db.example:5432", "[::1]:5432", "a:1,b:2"])
_user = st.sampled_from(["ada", "ada%40corp", "", "a.b-c"])
_query = st.sampled_from(["", "?sslmode=require", "?user=ada@corp", "?application_name=a:b@c", "?host=/run/x"])
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(user=_user, password=_text, host=_host, query=_query)
def test_an_escaped_password_in_an_address(user: str, password: str, host: str, query: str) -> None:
    url = f"postgresql://{user}:{quote(password, safe='')}@{host}/docs"
    assert mask_password(url) == f"postgresql://{user}:***@{host}/docs"
    assert has_password(url)
    assert has_password(url + query)


@given(user=_user, password=_text, host=_host)
def test_one_that_should_have_been_escaped(user: str, password: str, host: str) -> None:
    hidden = f"s3cret{password}s3cret"
    shown = mask_password(f"postgresql://{user}:{hidden}@{host}/docs")
    assert "s3cret" not in shown
    assert shown.endswith("/docs")


@given(user=_user, host=_host, query=_query)
def test_an_address_without_one_is_shown_as_it_is(user: str, host: str, query: str) -> None:
    for url in (f"postgresql://{user}@{host}/docs{query}" if user else "", f"postgresql://{host}/docs{query}"):
        assert mask_password(url) == url
        assert not has_password(url)


@given(password=_text)
def test_one_among_the_parameters(password: str) -> None:
    escaped = quote(password, safe="")
    for key in ("password", "sslpassword", "PassWord", "oauth_client_secret", "pass%77ord"):
        shown = mask_password(f"postgresql://ada@db/docs?sslmode=require&{key}=s3cret{escaped}&application_name=x")
        assert "s3cret" not in shown
        assert shown.startswith("postgresql://ada@db/docs?sslmode=require&")
        assert shown.endswith("=***&application_name=x")


@given(password=_text)
def test_one_in_key_value_form(password: str) -> None:
    quoted = "'s3cret" + password.replace("\\", "\\\\").replace("'", "\\'") + "s3cret'"
    bare = "s3cret" + "".join("\\" + c if c.isspace() or c in "\\'" else c for c in password) + "s3cret"
    for value in (quoted, bare):
        for text in (f"host=db password={value} dbname=docs", f"host=db PASSWORD = {value} dbname=docs"):
            shown = mask_password(text)
            assert "s3cret" not in shown
            assert shown.startswith("host=db ")
            assert shown.endswith("*** dbname=docs")
            assert has_password(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("host=db password='unclosed secret", "host=db password=***"),
        ("password=a&b host=db", "password=*** host=db"),
        ("postgresql://u:p@ss/w?rd@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:1234/x@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:pw@h/d?password=x@y", "postgresql://u:***@h/d?password=***"),
        ("postgresql://:pw@h", "postgresql://:***@h"),
        ("POSTGRES://u:pw@h", "POSTGRES://u:***@h"),
        ("host=db passfile=/home/ada/.pgpass", "host=db passfile=/home/ada/.pgpass"),
        ("host=db dbname=password", "host=db dbname=password"),
        ("postgresql://password@h/password", "postgresql://password@h/password"),
        ("", ""),
    ],
)
def test_odd_forms(text: str, shown: str) -> None:
    assert mask_password(text) == shown
