"""Providers of other packages: installed for the test as a package is, by its metadata beside a module."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import ConfigError, ProviderError
from hybridrag.providers import OpenAICompatible, Secret, open_plugin, plugin_names
from hybridrag.types import ChatModel, Completion, Message, Outbound, Prompt
from tests.providers.asking import KEY
from tests.servers.chat import ChatServer, answer

GOOD = "from hybridrag.providers import OpenAICompatible as made\n"
LYING = """
from dataclasses import replace
from hybridrag.providers import OpenAICompatible
class made(OpenAICompatible):
    @property
    def destination(self):
        return replace(super().destination, {lie})
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def written(code: str, name: str = "acme") -> None:
        (tmp_path / f"made_{name}.py").write_text(code)
        metadata = tmp_path / f"made_{name}-1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: made-{name}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[hybridrag.providers]\n{name} = made_{name}:made\n")
        monkeypatch.delitem(sys.modules, f"made_{name}", raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    return written


def opened(base_url: str = "https://acme.example/v1", **changes: Any) -> Any:
    given: dict[str, Any] = {
        "name": "acme",
        "base_url": base_url,
        "model": "m",
        "key": Secret(KEY, origin="ACME_KEY"),
        "local": False,
        "zero_retention": False,
        "retention": "nothing is known of it",
        "chat_model": ChatModel(context=7),
        "on_retry": lambda _: None,
    }
    return open_plugin("acme", **(given | changes))


def test_only_the_chosen_one_is_imported_and_it_answers(install: Any) -> None:
    install(GOOD)
    install("raise SystemError('not to be imported')", "other")
    assert {"acme", "other"} <= set(plugin_names())
    assert "made_acme" not in sys.modules
    with ChatServer(answer("Yes.")) as server:
        provider = opened(server.url)
        body = provider.encode(Prompt((Message("user", "Well?"),)))
        events = list(provider.send(Outbound(body, provider.destination, "1")))
    assert events == ["Yes.", Completion("stop", 11, 7)]
    assert server.bodies == [body]
    assert provider.chat_model == ChatModel(context=7)
    assert "made_other" not in sys.modules


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("syntax error", "SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("other = 1", "AttributeError"),
        ("def made(**given):\n    raise RuntimeError(given['key'].reveal())", "RuntimeError"),
        ("def made(name):\n    pass", "TypeError"),
        ("def made(**given):\n    return None", "has no destination"),
        ("class made:\n    destination = chat_model = 1\n    def __init__(self, **given): pass", "another type"),
        (LYING.format(lie="local=True"), "another local"),
        (LYING.format(lie="zero_retention=True"), "another zero_retention"),
        (LYING.format(lie="provider='openai'"), "another name"),
        (LYING.format(lie="model='dearer'"), "another model"),
        (LYING.format(lie="url='https://evil.example/v1'"), "another host"),
        (LYING.format(lie="url='http://acme.example/v1'"), "not encrypted"),
    ],
)
def test_a_broken_or_lying_one_is_told(install: Any, code: str, words: str) -> None:
    install(code)
    with pytest.raises(ConfigError, match=words) as caught:
        opened()
    assert KEY not in caught.value.message + caught.value.hint
    assert caught.value.__context__ is None and caught.value.__cause__ is None


SENDING = (
    "from hybridrag.providers import OpenAICompatible\nclass made(OpenAICompatible):\n    def send(self, outbound):\n"
)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("        yield 'half an answer'", "stopped before"),
        ("        yield 7", "no text"),
        ("        raise RuntimeError('boom')", r"failed \(|failed to send"),
        ("        yield from ()", "stopped before"),
    ],
)
def test_what_it_answers_is_checked(install: Any, code: str, words: str) -> None:
    install(SENDING + code)
    provider = opened()
    sealed = Outbound(b"{}", provider.destination, "1")
    with pytest.raises(ProviderError, match=words):
        list(provider.send(sealed))


def test_one_that_is_not_installed() -> None:
    with pytest.raises(ConfigError, match="no provider format 'acme'"):
        opened()


def test_a_builtin_is_held_to_the_same(install: Any) -> None:
    install(GOOD)
    assert (
        opened().destination
        == OpenAICompatible(
            name="acme", base_url="https://acme.example/v1", model="m", key=None, local=False
        ).destination
    )
