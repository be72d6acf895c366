"""`--offline`: a wall behind the checks. Whatever library asks for a connection, only allowed ones come to be."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from hybridrag.providers.addresses import listed_hosts
from hybridrag.store.connection import hosts_of
from tests.conftest import CommandLine

# 192.0.2.0/24 is reserved for documentation (RFC 5737), .invalid never resolves (RFC 2606): nothing is reached.
_SCRIPT = """
import socket, sys, urllib.request
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.offline import refuse_connections

refuse_connections(lambda host: host in {"allowed.invalid"})
try:
    exec(sys.argv[1])
except BlockedByPolicy as exc:
    print("refused", exc.message)
except OSError as exc:
    print("tried", type(exc).__name__)
else:
    print("done")
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('192.0.2.1', 443), timeout=1)",
        "socket.getaddrinfo('elsewhere.invalid', 443)",
        "socket.gethostbyname('elsewhere.invalid')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(('2001:db8::1', 53))",
        "urllib.request.urlopen('http://elsewhere.invalid/', timeout=1)",
        "import httpx; httpx.get('http://elsewhere.invalid/')",
        "import httpx; httpx.get('http://192.0.2.1/')",
    ],
)
def test_what_is_not_allowed_is_refused_before_a_packet_leaves(code: str) -> None:
    assert run(code).startswith("refused --offline: a connection to ")


@pytest.mark.parametrize(
    "code",
    [
        "socket.getaddrinfo('localhost', 80)",
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())",
        "a, b = socket.socketpair(); a.sendall(b'x')",
    ],
)
def test_this_machine_is_allowed(code: str) -> None:
    assert run(code) == "done"


def test_a_listed_name_may_be_looked_up() -> None:
    assert run("socket.getaddrinfo('allowed.invalid', 443)") == "tried gaierror"


def test_the_hosts_of_local_addresses() -> None:
    listed = ["gpu.lan", "10.0.0.5:8000", "https://LLM.example.com:8443/v1", "[fd00::1]:80", "not a host"]
    assert listed_hosts(listed) == {"gpu.lan", "10.0.0.5", "llm.example.com", "fd00::1"}


def test_the_hosts_of_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "env.lan")
    assert hosts_of("postgresql://u@Db.lan,10.0.0.9:5433/x") == {
        "db.lan",
        "10.0.0.9",
        "env.lan",
    }
    assert hosts_of("host=one hostaddr=10.0.0.1 dbname=x") == {"one", "10.0.0.1", "env.lan"}


def test_ask_offline_with_an_embedder_elsewhere_is_refused(cli: CommandLine, examples: Path) -> None:
    env = {"HYBRIDRAG_EMBEDDER": "https://elsewhere.invalid/v1#m", "HYBRIDRAG_ALLOW_REMOTE_EMBEDDING": "true"}
    done = cli("--offline", "ingest", str(examples), env=env)
    assert done.code == 2
    assert "--offline forbids" in done.err
    assert "Traceback" not in done.err
