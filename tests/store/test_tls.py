"""TLS to a database elsewhere: by default the server must prove who it is."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from hybridrag.errors import DatabaseError
from hybridrag.store.connection import connect
from hybridrag.store.tls import secured
from tests.servers.postgres_tls import tls_door, write_certificates


def chosen(url: str, **environment: str) -> tuple[str | None, str | None]:
    """`sslmode` and `sslrootcert` that the address gets or has."""
    given = conninfo_to_dict(secured(url, {"HOME": "/nonexistent", **environment}))
    return given.get("sslmode"), given.get("sslrootcert")  # type: ignore[return-value]  # both are texts


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@db.example/x",
        "postgresql://db.example:6432/x?application_name=y",
        "host=db.example dbname=x",
        "postgresql://localhost,db.example/x",
        "postgresql://192.0.2.7/x",
        "postgresql://[2001:db8::1]/x",
        "postgresql://localhost/x?hostaddr=192.0.2.7",
        "postgresql://localhost.example/x",
    ],
)
def test_a_server_elsewhere_must_prove_itself(url: str) -> None:
    mode, roots = chosen(url)
    assert mode == "verify-full"
    assert roots == "system" or Path(roots or "").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///x",
        "postgresql://me@/x?host=/run/postgresql",
        "host=/run/postgresql,localhost",
        "postgresql://localhost/x",
        "postgresql://127.0.0.1:5433/x",
        "postgresql://[::1]/x",
        "postgresql://db.example/x?hostaddr=127.0.0.1",
    ],
)
def test_a_local_one_need_not(url: str) -> None:
    assert secured(url, {}) == url
    mode, _ = chosen("postgresql:///x", PGHOST="db.example")
    assert mode == "verify-full", "PGHOST decides where the address names no host"


def test_the_user_decides_otherwise(tmp_path: Path) -> None:
    elsewhere = "postgresql://db.example/x"
    for mode in ("disable", "require", "verify-ca"):
        assert chosen(f"{elsewhere}?sslmode={mode}") == (mode, None)
        assert chosen(elsewhere, PGSSLMODE=mode) == (None, None)
    assert chosen(elsewhere, PGSSLROOTCERT="/a.pem") == ("verify-full", None)
    assert chosen(f"{elsewhere}?sslrootcert=/a.pem") == ("verify-full", "/a.pem")
    assert chosen(f"{elsewhere}?sslrootcert=system", SSL_CERT_FILE=__file__) == ("verify-full", __file__)
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert chosen(elsewhere, HOME=str(tmp_path)) == ("verify-full", None), "libpq finds that file"


def test_a_service_file_decides(tmp_path: Path) -> None:
    services = tmp_path / "services.conf"
    services.write_text(
        "# sslmode=disable\n[open]\nhost=db.example\nsslmode=disable\n[bare]\nhost=db.example\n[here]\nhost=/run/pg\n"
    )
    told = {"PGSERVICEFILE": str(services)}
    assert chosen("postgresql:///x?service=open", **told) == (None, None)
    assert chosen("postgresql:///x", PGSERVICE="open", **told) == (None, None)
    assert chosen("postgresql:///x?service=bare", **told)[0] == "verify-full"
    assert chosen("postgresql:///x?service=here", **told) == (None, None)
    assert chosen("postgresql://db.example/x?service=missing", **told)[0] == "verify-full"


def behind(port: int, database_url: str, host: str, **parameters: str) -> str:
    parts = urlsplit(database_url)
    rest = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"postgresql://{parts.netloc.rpartition('@')[0] or 'hybridrag'}@{host}:{port}{parts.path}?{rest}"


def test_a_server_that_proves_itself_and_three_that_do_not(database_url: str, tmp_path: Path) -> None:
    roots, certificate = write_certificates(tmp_path, "localhost")
    strangers, _ = write_certificates(tmp_path_of(tmp_path, "other"), "localhost")
    with tls_door(database_url, certificate) as port:
        proven = behind(port, database_url, "localhost", sslmode="verify-full", sslrootcert=str(roots))
        with closing(connect(proven)) as connection:
            assert connection.info.pgconn.ssl_in_use
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        for host, trusted, what in (
            ("localhost", strangers, "does not prove"),  # another authority's
            ("127.0.0.1", roots, "does not prove"),  # another name's
            ("localhost", tmp_path / "none.pem", "cannot be read"),
        ):
            with pytest.raises(DatabaseError, match=what) as caught:
                connect(behind(port, database_url, host, sslmode="verify-full", sslrootcert=str(trusted)))
            assert "sslmode=" in caught.value.hint and "sslrootcert=" in caught.value.hint
        with closing(connect(behind(port, database_url, "127.0.0.1", sslmode="require"))) as connection:
            assert connection.info.pgconn.ssl_in_use


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_by_default_a_stranger_is_refused(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this machine's own name, which is not a local address for hybridrag."""
    name = socket.gethostname()
    try:
        socket.create_connection((name, 1), timeout=5).close()
    except socket.gaierror:
        pytest.skip("this machine cannot resolve its own name")
    except OSError:
        pass
    monkeypatch.delenv("PGSSLMODE", raising=False)
    roots, certificate = write_certificates(tmp_path, name)
    with tls_door(database_url, certificate) as port:
        with pytest.raises(DatabaseError, match="does not prove"):
            connect(behind(port, database_url, name))
        monkeypatch.setenv("SSL_CERT_FILE", str(roots))
        with closing(connect(behind(port, database_url, name))) as connection:
            assert connection.info.pgconn.ssl_in_use


def test_a_server_without_tls_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def refuse() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(8)
                client.sendall(b"N")

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(DatabaseError, match="does not offer TLS") as caught:
            connect(f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/x?sslmode=verify-full&sslrootcert=system")
        thread.join()
    assert "sslmode=disable" in caught.value.hint
