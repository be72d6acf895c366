"""The container files keep their promises: loopback only, no password of their own, never root, nothing private inside.

There is no engine to run them with here, so the files are read as an engine reads them.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
POSTGRES: dict[str, Any] = COMPOSE["services"]["postgres"]


def test_every_port_is_bound_to_loopback() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\$\{\w+:-\d+\}:\d+", port)] == []
    assert not any("network_mode" in service or service.get("privileged") for service in COMPOSE["services"].values())


def test_the_password_comes_from_the_environment_and_has_no_default() -> None:
    passwords = {
        key: value
        for service in COMPOSE["services"].values()
        for key, value in service["environment"].items()
        if re.search(r"PASS|SECRET|KEY|TOKEN|AUTH", key)
    }
    assert set(passwords) == {"POSTGRES_PASSWORD"}, "trust authentication or another credential slipped in"
    # `:?` makes compose stop where the variable is unset or empty; `:-` would be a default.
    assert re.fullmatch(r"\$\{PGPASSWORD:\?[^}]+\}", passwords["POSTGRES_PASSWORD"])


def test_the_healthcheck_asks_over_tcp_for_the_user_and_database_that_are_made() -> None:
    test = POSTGRES["healthcheck"]["test"]
    assert test[:2] == ["CMD", "pg_isready"]
    assert "--host=127.0.0.1" in test
    assert f"--username={POSTGRES['environment']['POSTGRES_USER']}" in test
    assert f"--dbname={POSTGRES['environment']['POSTGRES_DB']}" in test


def test_the_image_is_pinned_and_not_older_than_the_oldest_safe_pgvector() -> None:
    pin = re.fullmatch(r"pgvector/pgvector:(\d+)\.(\d+)\.(\d+)-pg(\d+)(-\w+)?", POSTGRES["image"])
    assert pin
    assert tuple(map(int, pin.groups()[:3])) >= (0, 8, 4)
    assert int(pin[4]) >= 18, "before 18 the data volume is mounted elsewhere"


def test_data_outlive_the_container() -> None:
    (volume,) = POSTGRES["volumes"]
    name, _, target = volume.partition(":")
    assert name in COMPOSE["volumes"]
    assert target == "/var/lib/postgresql"


def test_shared_memory_holds_what_an_index_build_may_use() -> None:
    settings = dict(word.split("=") for word in POSTGRES["command"] if "=" in word)
    assert bytes_of(POSTGRES["shm_size"]) >= bytes_of(settings["maintenance_work_mem"])


def test_the_database_folds_letters_beyond_ascii() -> None:
    arguments = shlex.split(POSTGRES["environment"]["POSTGRES_INITDB_ARGS"])
    assert arguments == ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


@pytest.mark.parametrize("image", ["full", "slim"])
def test_the_image_runs_as_a_user_with_a_name_and_not_as_root(image: str) -> None:
    final = stage(image)
    users = [arguments for instruction, arguments in final if instruction == "USER"]
    assert users[-1] == "1000:1000"
    made = " ".join(arguments for instruction, arguments in final if instruction == "RUN")
    assert re.search(r"groupadd --gid 1000 \w+", made)
    assert re.search(r"useradd --uid 1000 --gid 1000 ", made)
    after = final[[instruction for instruction, _ in final].index("USER") + 1 :]
    # What follows the user's instruction in these stages is copied as root's own and runs nothing.
    assert [instruction for instruction, _ in after] == ["ENTRYPOINT", "CMD", "COPY"]


@pytest.mark.parametrize("image", ["full", "slim"])
def test_the_home_is_a_private_volume_of_that_user(image: str) -> None:
    final = stage(image)
    order = [instruction for instruction, _ in final]
    assert ("VOLUME", '["/data"]') in final
    assert any("HYBRIDRAG_HOME=/data" in arguments for instruction, arguments in final if instruction == "ENV")
    (made,) = (arguments for instruction, arguments in final if instruction == "RUN")
    assert re.search(r"install --directory --mode=0700 --owner=hybridrag --group=hybridrag /data$", made)
    # What is written to a volume's folder after its declaration is thrown away.
    assert order.index("RUN") < order.index("VOLUME")


@pytest.mark.parametrize("image", ["full", "slim"])
def test_the_entry_point_is_the_command_in_exec_form(image: str) -> None:
    assert ("ENTRYPOINT", '["hybridrag"]') in stage(image)


def test_the_full_image_is_built_where_none_is_named() -> None:
    assert list(stages())[-1] == "full"


def test_each_image_holds_what_was_built_for_it() -> None:
    copies = {image: [words for name, words in stage(image) if name == "COPY"] for image in ("full", "slim")}
    assert copies == {
        "full": ["--from=build /opt/hybridrag /opt/hybridrag"],
        "slim": ["--from=build-slim /opt/hybridrag /opt/hybridrag"],
    }


def test_the_slim_image_installs_no_torch() -> None:
    installs = pip_installs("build-slim")
    assert len(installs) == 2
    assert installs[0].split()[-2:] == ["--requirement", "requirements-slim.txt"]
    assert installs[1].split()[-2:] == ["--no-deps", "."]


def test_every_installation_keeps_to_the_constraints() -> None:
    installs = [install for name in stages() for install in pip_installs(name)]
    assert len(installs) == 4
    assert all("--constraint constraints.txt" in install and "--no-cache-dir" in install for install in installs)
    (from_elsewhere,) = (install for install in installs if "--index-url" in install)
    assert from_elsewhere.split()[-1] == "torch"
    assert "--no-deps" in from_elsewhere


def test_nothing_secret_is_baked_into_the_image() -> None:
    declared = [words for lines in stages().values() for instruction, words in lines if instruction in {"ENV", "ARG"}]
    assert declared
    assert not [words for words in declared if re.search(r"PASS|SECRET|TOKEN|API_KEY", words)]


def test_what_the_image_copies_passes_the_ignore_file() -> None:
    copied = [
        name
        for lines in stages().values()
        for instruction, arguments in lines
        if instruction == "COPY" and not arguments.startswith("--from")
        for name in arguments.split()[:-1]
    ]
    lists = {"constraints.txt", "requirements-slim.txt"}
    assert set(copied) == {*lists, "pyproject.toml", "README.md", "LICENSE", "migrations", "hybridrag"}
    files = [f"{name}/file" if name in {"migrations", "hybridrag"} else name for name in copied]
    assert [path for path in files if is_ignored(path)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "docker/.env",
        "examples/company/hr/salaries-2026.md",
        "hybridrag.toml",
        "hybridrag/__pycache__/types.cpython-312.pyc",
        "notes/private.md",
        "tests/cli/test_ask.py",
    ],
)
def test_nothing_else_reaches_the_build(path: str) -> None:
    assert is_ignored(path)


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^   (\d)\. [A-Z]", text, re.MULTILINE)] == list(range(1, 10))
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text


def stages() -> dict[str, list[tuple[str, str]]]:
    """The Dockerfile's instructions with their arguments, by the name of the stage; continued lines are joined."""
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    result: dict[str, list[tuple[str, str]]] = {}
    for line in joined.splitlines():
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            result[arguments.partition(" AS ")[2]] = []
        result[list(result)[-1]].append((instruction, arguments.strip()))
    return result


def stage(name: str) -> list[tuple[str, str]]:
    """A stage's instructions after those of the stages that it goes on from."""
    (_, start), *lines = stages()[name]
    base = start.partition(" AS ")[0]
    return [*(stage(base) if base in stages() else []), *lines]


def pip_installs(name: str) -> list[str]:
    """The installing commands that a stage itself runs."""
    runs = [arguments for instruction, arguments in stages()[name] if instruction == "RUN"]
    return [part for run in runs for part in re.findall(r"pip install[^;&]*", run)]


def is_ignored(path: str) -> bool:
    """As Docker's pattern matcher has it: a pattern also holds for what lies below, and the last that matches decides.

    Unlike in a `.gitignore`, a pattern without a slash matches at the top only.
    """
    parts = path.split("/")
    prefixes = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(expression, prefix) for prefix in prefixes):
            ignored = not line.startswith("!")
    return ignored


def bytes_of(size: str) -> int:
    match = re.fullmatch(r"(\d+)\s*([kmg])b", size.lower())
    assert match, size
    return int(match[1]) << 10 * ("kmg".index(match[2]) + 1)
