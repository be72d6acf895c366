"""The settings of reranking: which layer may name a reranker, and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridrag.config import Settings, load
from hybridrag.errors import ConfigError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def loaded(project: Path, *, user: str = "", shared: str = "", env: Mapping[str, str] | None = None) -> Settings:
    home = project.parent / "home"
    (home / "config.toml").write_text(user)
    (project / "hybridrag.toml").write_text(shared)
    return load(environ={"HYBRIDRAG_HOME": str(home), **(env or {})}, cwd=project)


def test_nothing_is_reranked_by_default(project: Path) -> None:
    settings = loaded(project)
    assert (settings.reranker, settings.rerank) == ("", False)


def test_a_reranker_by_name_comes_from_any_layer(project: Path) -> None:
    assert loaded(project, user='reranker = "bge-reranker-base"\nrerank = true').rerank is True
    assert loaded(project, shared='reranker = "bge-reranker-base"').reranker == "bge-reranker-base"
    environment = {"HYBRIDRAG_RERANKER": "vllm:tiny", "HYBRIDRAG_RERANK": "yes", "HYBRIDRAG_RERANKER_KEY": "sk-1"}
    settings = loaded(project, shared='reranker = "bge-reranker-base"', env=environment)
    assert (settings.reranker, settings.rerank) == ("vllm:tiny", True)


@pytest.mark.parametrize("name", ["vllm:tiny", "http://127.0.0.1:8000/v1#tiny", "  https://a.example/v1#tiny"])
def test_a_project_file_may_not_say_where_texts_go(project: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="may not name a rerank endpoint"):
        loaded(project, shared=f'reranker = "{name}"')


def test_a_key_in_the_address_is_refused_and_not_shown(project: Path) -> None:
    with pytest.raises(ConfigError, match="HYBRIDRAG_RERANKER_KEY") as caught:
        loaded(project, user='reranker = "https://me:secret@a.example/v1#tiny"')
    assert "secret" not in caught.value.message


def test_values_that_are_none(project: Path) -> None:
    with pytest.raises(ConfigError, match="neither true nor false"):
        loaded(project, user='rerank = "perhaps"')
    loaded(project)  # clears the file
    with pytest.raises(UsageError, match="non-empty"):
        load(flags={"reranker": ""}, environ={"HYBRIDRAG_HOME": str(project.parent / "home")}, cwd=project)


def test_the_form_of_requests_is_one_of_two(project: Path) -> None:
    settings = loaded(project, user='[endpoints.gpu]\nbase_url = "http://10.0.0.5/v1"\nrerank_api = "tei"')
    assert settings.endpoints["gpu"].rerank_api == "tei"
    with pytest.raises(ConfigError, match=r"endpoints.gpu.rerank_api: 'grpc' is none of cohere, tei"):
        loaded(project, user='[endpoints.gpu]\nrerank_api = "grpc"')
