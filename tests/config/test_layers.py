"""Where a setting comes from, which layer wins, and what each layer may not say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import Paths, Settings, load, setting_names
from hybridrag.errors import ConfigError, UsageError
from hybridrag.types import Label


class Place:
    """A home and a project folder, and settings loaded from there."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = root / "project" / "deep" / "inside"
        self.home.mkdir()
        self.project.mkdir(parents=True)

    @property
    def user_file(self) -> Path:
        return self.home / "config.toml"

    @property
    def project_file(self) -> Path:
        return self.project.parent / "hybridrag.toml"

    def load(
        self,
        *,
        env: Mapping[str, str] | None = None,
        flags: Mapping[str, Any] | None = None,
        config: Path | None = None,
    ) -> Settings:
        environ = {"HYBRIDRAG_HOME": str(self.home), **(env or {})}
        return load(flags=flags, config_file=config, environ=environ, cwd=self.project)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_defaults_say_so(place: Place) -> None:
    settings = place.load()
    assert settings.collection == "default"
    assert settings.embedder == "all-MiniLM-L6-v2"
    assert settings.project_file is None
    assert dict(settings.origins) == dict.fromkeys(setting_names(), "default")


def test_each_layer_wins_over_the_one_below(place: Place) -> None:
    place.user_file.write_text('collection = "user"\nembedder = "user"\ntext_search = "user"\ndevice = "cpu"\n')
    assert place.load().collection == "user"
    place.project_file.write_text('collection = "project"\nembedder = "project"\ntext_search = "project"\n')
    assert place.load().collection == "project"
    environ = {"HYBRIDRAG_COLLECTION": "env", "HYBRIDRAG_EMBEDDER": "env"}
    assert place.load(env=environ).collection == "env"
    settings = place.load(env=environ, flags={"collection": "flag"})
    assert (settings.collection, settings.embedder, settings.text_search, settings.device) == (
        "flag",
        "env",
        "project",
        "cpu",
    )
    assert settings.project_file == place.project_file
    assert settings.origins["collection"] == "--collection"
    assert settings.origins["embedder"] == "HYBRIDRAG_EMBEDDER"
    assert settings.origins["text_search"] == str(place.project_file)
    assert settings.origins["device"] == str(place.user_file)
    assert settings.origins["provider"] == "default"


def test_the_nearest_project_file_counts(place: Place) -> None:
    place.project_file.write_text('collection = "far"\n')
    (place.project / "hybridrag.toml").write_text('text_search = "german"\n')
    settings = place.load()
    assert (settings.collection, settings.text_search) == ("default", "german")


def test_a_named_file_takes_the_users_place(place: Place, tmp_path: Path) -> None:
    place.user_file.write_text('collection = "user"\n')
    named = tmp_path / "named.toml"
    named.write_text('provider = "together"\n')
    settings = place.load(config=named)
    assert (settings.collection, settings.provider) == ("default", "together")
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        place.load(config=tmp_path / "none.toml")


def test_tables_and_lists(place: Place) -> None:
    place.user_file.write_text(
        'include = ["*.md"]\nlocal_addresses = ["http://gpu:8000"]\n[database]\nurl = "postgresql://u@h/d"\n'
        '[providers.mine]\nbase_url = "https://mine.example/v1"\nmodel = "m"\n[labels]\n"hr/**" = "Restricted"\n'
    )
    settings = place.load(env={"HYBRIDRAG_EXCLUDE": "a, b ,,c", "HYBRIDRAG_OFFLINE": "Yes"})
    assert settings.database_url == "postgresql://u@h/d"
    assert settings.include == ("*.md",)
    assert settings.exclude == ("a", "b", "c")
    assert settings.offline is True
    assert settings.local_addresses == ("http://gpu:8000",)
    assert settings.providers["mine"].base_url == "https://mine.example/v1"
    assert settings.labels == (("hr/**", Label.LOCAL_ONLY),)


# --- what cannot be used ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("colection = 'a'", "unknown setting colection", "did you mean collection?"),
        ("zzz = 1", "unknown setting zzz", "known: "),
        ("[database]\nurll = 'x'", "unknown setting database_urll", "did you mean database_url?"),
        ("[providers.x]\nkey = 'secret'", "unknown key key in providers.x", ""),
        ("providers = 3", "providers: must be tables", ""),
        ("labels = 'x'", "labels: must be a table", ""),
        ("[labels]\n'a' = 'secrit'", "labels: 'secrit' is none of", ""),
        ("collection = ''", "collection: must be a non-empty text", ""),
        ("collection = '../x'", "no collection name", ""),
        ("collection = 7", "must be a non-empty text", ""),
        ("offline = 'perhaps'", "neither true nor false", ""),
        ("max_file_bytes = 0", "number of bytes", ""),
        ("max_file_bytes = true", "number of bytes", ""),
        ("max_file_bytes = '²'", "number of bytes", ""),
        ("include = 3", "must be a list of texts", ""),
        ("device = 'tpu'", "none of auto, cpu", ""),
        ("text_search = 'English; drop'", "is no analyser", ""),
        ("database_url = 'mysql://h/d'", "not a postgresql:// address", "postgresql://user@host"),
        ("database_url = 'somewhere'", "neither a postgresql:// address", "postgresql://user@host"),
        ("database_url = 'postgresql://u:pw@h/d'", "holds a password", "PGPASSFILE"),
        ("database_url = 'host=h password=pw'", "holds a password", "PGPASSFILE"),
        ("collection = ", "not valid TOML", "line"),
    ],
)
def test_a_user_file_that_cannot_be_used(place: Place, text: str, message: str, hint: str) -> None:
    place.user_file.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        place.load()
    assert str(place.user_file) in caught.value.message
    assert hint in caught.value.hint
    assert "secret'" not in caught.value.message


def test_a_file_that_is_not_utf8(place: Place) -> None:
    place.user_file.write_bytes(b'collection = "\xff"')
    with pytest.raises(ConfigError, match="not UTF-8"):
        place.load()


def test_a_byte_order_mark_is_no_error(place: Place) -> None:
    place.user_file.write_bytes(b'\xef\xbb\xbfcollection = "bom"')
    assert place.load().collection == "bom"


@pytest.mark.parametrize(
    "text",
    [
        "database_url = 'postgresql://evil/x'",
        "[database]\nurl = 'postgresql://evil/x'",
        "provider = 'https://evil/v1'",
        "llm = 'x'",
        "local_addresses = ['https://evil']",
        "[providers.together]\nbase_url = 'https://evil/v1'",
        "device = 'cpu'",
        "max_file_bytes = 1",
        "offline = false",
        "offline = 'true'",
        "[labels]\n'**' = 'public'",
        "[labels]\n'**' = ' PUBLIC '",
    ],
)
def test_a_project_file_may_not_redirect_or_loosen(place: Place, text: str) -> None:
    place.project_file.write_text(text)
    with pytest.raises(ConfigError, match=r"a project file may (not|only)") as caught:
        place.load()
    assert str(place.project_file) in caught.value.message
    assert "evil" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["labels = 'x'", "labels = 3", "labels = [['a', 'public']]", "colection = 'a'"])
def test_a_damaged_project_file_is_an_error(place: Place, text: str) -> None:
    place.project_file.write_text(text)
    with pytest.raises(ConfigError):
        place.load()


def test_a_project_file_may_tighten(place: Place) -> None:
    place.project_file.write_text("offline = true\n[labels]\n'hr/**' = 'confidential'\n")
    settings = place.load()
    assert settings.offline is True
    assert settings.labels == (("hr/**", Label.CONFIDENTIAL),)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("HYBRIDRAG_COLECTION", "did you mean HYBRIDRAG_COLLECTION?"),
        ("HYBRIDRAG_LABELS", "HYBRIDRAG_"),
        ("HYBRIDRAG_PROVIDERS", "HYBRIDRAG_PROVIDER"),
    ],
)
def test_a_mistyped_variable_is_told(place: Place, variable: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown setting {variable}") as caught:
        place.load(env={variable: "x"})
    assert hint in caught.value.hint


def test_variables_that_are_no_settings_are_let_be(place: Place) -> None:
    others = {
        "HYBRIDRAG_PROVIDER_KEY": "k",
        "HYBRIDRAG_TEST_DATABASE_URL": "x",
        "HYBRIDRAG_COLECTION": "",
        "HYBRID": "x",
    }
    assert place.load(env=others) == place.load()


def test_a_bad_flag_is_a_usage_error_and_a_bad_variable_is_not(place: Place) -> None:
    with pytest.raises(UsageError, match="--collection"):
        place.load(flags={"collection": "no/slash"})
    with pytest.raises(ConfigError, match="HYBRIDRAG_MAX_FILE_BYTES"):
        place.load(env={"HYBRIDRAG_MAX_FILE_BYTES": "-1"})


# --- paths -----------------------------------------------------------------------------------------------------------


def test_one_home_holds_everything() -> None:
    paths = Paths.from_environment({"HYBRIDRAG_HOME": "/srv/rag", "XDG_DATA_HOME": "/elsewhere"})
    assert paths == Paths(Path("/srv/rag"), Path("/srv/rag/data"), Path("/srv/rag/cache"), Path("/srv/rag/run"))
    assert paths.user_file == Path("/srv/rag/config.toml")


def test_a_relative_home_becomes_absolute() -> None:
    assert Paths.from_environment({"HYBRIDRAG_HOME": "rag"}).data == Path.cwd() / "rag" / "data"


def test_xdg_folders() -> None:
    environ = {"XDG_CONFIG_HOME": "/x/config", "XDG_DATA_HOME": "/x/data", "XDG_CACHE_HOME": "/x/cache"}
    paths = Paths.from_environment(environ)
    assert paths.user_file == Path("/x/config/hybridrag/config.toml")
    assert (paths.data, paths.cache) == (Path("/x/data/hybridrag"), Path("/x/cache/hybridrag"))
    assert paths.run.is_relative_to(paths.data), "the folder of the socket outlives a logout"


@pytest.mark.parametrize("value", ["", "relative/path", "~/x"])
def test_what_xdg_does_not_allow_is_ignored(value: str) -> None:
    home = Path.home()
    paths = Paths.from_environment({"XDG_CONFIG_HOME": value, "XDG_DATA_HOME": value, "XDG_CACHE_HOME": value})
    assert paths.config == home / ".config" / "hybridrag"
    assert paths.data == home / ".local" / "share" / "hybridrag"
    assert paths.cache == home / ".cache" / "hybridrag"


def test_nothing_is_created(tmp_path: Path) -> None:
    load(environ={"HYBRIDRAG_HOME": str(tmp_path / "none")}, cwd=tmp_path)
    assert not (tmp_path / "none").exists()
