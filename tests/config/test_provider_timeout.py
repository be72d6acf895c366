"""`provider_timeout`: where the patience with a provider may be set, and what it becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.config import Settings, load
from hybridrag.errors import ConfigError
from hybridrag.providers import Timeouts


def loaded(tmp_path: Path, user: str = "", project: str = "", **environ: str) -> Settings:
    here = tmp_path / "project"
    here.mkdir(exist_ok=True)
    (tmp_path / "config.toml").write_text(user)
    (here / "hybridrag.toml").write_text(project)
    return load(environ={"HYBRIDRAG_HOME": str(tmp_path), **environ}, cwd=here)


def test_the_users_file_and_the_environment_set_it(tmp_path: Path) -> None:
    assert loaded(tmp_path).provider_timeout == Timeouts().read
    assert loaded(tmp_path, "provider_timeout = 7").provider_timeout == 7
    assert loaded(tmp_path, "provider_timeout = 7", HYBRIDRAG_PROVIDER_TIMEOUT="0.5").provider_timeout == 0.5


def test_a_provider_may_have_its_own(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[providers.ollama]\ntimeout = 600").providers["ollama"].timeout == 600


def test_a_project_may_not_set_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="may not set provider_timeout"):
        loaded(tmp_path, project="provider_timeout = 7")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "true", '"soon"', "1e9", "[7]"])
def test_what_is_no_time_is_refused(tmp_path: Path, value: str) -> None:
    for text in (f"provider_timeout = {value}", f"[providers.ollama]\ntimeout = {value}"):
        with pytest.raises(ConfigError, match="must be a number of seconds above 0, at most 86,400"):
            loaded(tmp_path, text)


def test_all_limits_follow_the_longest_silence() -> None:
    assert Timeouts.of(120) == Timeouts()
    assert Timeouts.of(2) == Timeouts(connect=2, read=2, total=10)
