"""No process of ours, children included, connects anywhere but to this machine: seen by a trace of system calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.servers.chat import ChatServer, answer

_CONNECT = re.compile(r"(?:connect|sendto|sendmsg)\(.*?sa_family=(AF_INET6?).*?(?:inet_addr|inet_pton)\(([^)]*)\)")


def addresses(trace: Path) -> set[str]:
    """Every internet address that any traced process tried to reach."""
    found = set()
    for file in trace.parent.glob(f"{trace.name}*"):
        for line in file.read_text(errors="replace").splitlines():
            if match := _CONNECT.search(line):
                found.add(re.findall(r'"([^"]+)"', match[2])[-1])
    return found


def can_trace() -> bool:
    """Whether there is an strace and this process may use it: not in some containers, nor while it is traced itself."""
    return (
        shutil.which("strace") is not None
        and subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not can_trace(), reason="needs strace, and the right to use it: it shows every connection")
def test_ingest_search_and_ask_reach_nothing_but_loopback(cli: CommandLine, examples: Path, tmp_path: Path) -> None:
    """With the real model, whose first use converts it in a child process that imports torch and OpenVINO."""
    trace = tmp_path / "trace"
    environment = {key: value for key, value in cli.environment.items() if key != "HYBRIDRAG_EMBEDDER"}

    def traced(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = ["strace", "-ff", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)]
        return subprocess.run(
            [*command, *CommandLine.command(*arguments)],
            env={**environment, "PATH": os.environ["PATH"]},
            cwd=cli.home,
            capture_output=True,
            timeout=240,
            check=False,
        )

    with ChatServer(answer("It is 62 euros [1].")) as server:
        runs = [
            traced("ingest", str(examples)),
            traced("search", "meal allowance"),
            traced("ask", "What is the meal allowance?"),
            traced("ask", "What is the meal allowance?", "--provider", server.url, "--llm", "any"),
            traced("doctor"),
        ]
    for run in runs:
        assert run.returncode == 0, run.stderr.decode()
    reached = addresses(trace)
    assert server.requests, "the provider was asked"
    assert reached, "the trace saw the connection to the provider"
    assert all(address == "::1" or address.startswith("127.") for address in reached), reached
