"""`max_cost_usd`: where a budget may be set, and that a project can only lower it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import Settings, load
from hybridrag.errors import ConfigError, UsageError


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    """Settings of a home, a project and an environment that say these amounts."""

    def load_with(
        *, user: str | None = None, project: str | None = None, env: str | None = None, flag: Any = None
    ) -> Settings:
        here = tmp_path / "project"
        here.mkdir(exist_ok=True)
        for path, amount in ((tmp_path / "config.toml", user), (here / "hybridrag.toml", project)):
            path.write_text("" if amount is None else f"max_cost_usd = {amount}\n")
        environ = {"HYBRIDRAG_HOME": str(tmp_path)} | ({} if env is None else {"HYBRIDRAG_MAX_COST_USD": env})
        flags = {} if flag is None else {"max_cost_usd": flag}
        return load(flags=flags, environ=environ, cwd=here)

    return load_with


def test_there_is_none_by_default(loaded: Any) -> None:
    assert loaded().max_cost_usd is None


@pytest.mark.parametrize(
    ("layers", "amount", "origin"),
    [
        ({"user": "5"}, 5.0, "config.toml"),
        ({"project": "2.5"}, 2.5, "hybridrag.toml"),
        ({"user": "5", "project": "2.5"}, 2.5, "hybridrag.toml"),
        ({"user": "5", "project": "5"}, 5.0, "config.toml"),
        ({"user": "5", "project": "50"}, 5.0, "config.toml"),
        ({"user": "5", "project": "2.5", "env": "20"}, 20.0, "HYBRIDRAG_MAX_COST_USD"),
        ({"user": "5", "env": "20", "flag": 0.5}, 0.5, "--max-cost-usd"),
    ],
)
def test_each_layer_may_say_it_and_a_project_only_lowers_it(
    loaded: Any, layers: dict[str, Any], amount: float, origin: str
) -> None:
    settings = loaded(**layers)
    assert settings.max_cost_usd == amount
    assert settings.origins["max_cost_usd"].endswith(origin)


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "1e999", "true", '"much"', "[1]", '""'])
def test_what_is_no_amount_is_refused(loaded: Any, amount: str) -> None:
    with pytest.raises(ConfigError, match="max_cost_usd: must be an amount of US dollars above 0"):
        loaded(user=amount)


def test_an_amount_that_is_none_is_told_of_where_it_stands(loaded: Any) -> None:
    with pytest.raises(ConfigError, match="HYBRIDRAG_MAX_COST_USD: must be"):
        loaded(env="ten")
    with pytest.raises(UsageError, match="--max-cost-usd: must be"):
        loaded(flag="-3")
