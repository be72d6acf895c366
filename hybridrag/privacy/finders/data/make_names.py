"""Makes name lists of this folder from Faker (MIT): `python -m hybridrag.privacy.finders.data.make_names`.

For development only; the program itself never imports it. `NAMES.md` tells what the files hold.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from hybridrag.privacy.finders.name_lists import folded

FOLDER = Path(__file__).parent
WORD_LANGUAGES = {"english_words": ("en_US",), "german_words": ("de_DE",), "other_words": ("fr_FR", "it_IT", "nl_NL")}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def made() -> dict[str, str]:
    """File name to content."""
    given: set[str] = set()
    family: set[str] = set()
    for is_given, name in _names():
        (given if is_given else family).update(_forms(name))
    files = {"given_names.txt": _file(given), "family_names.txt": _file(family)}
    for name, locales in WORD_LANGUAGES.items():
        files[f"{name}.txt"] = _file({folded(word) for locale in locales for word in _lorem(locale)})
    return files


def _names() -> Iterator[tuple[bool, str]]:
    """Whether it is a given name, and the name, for every locale Faker has."""
    import faker.providers.person as persons

    for module in pkgutil.iter_modules(persons.__path__):
        provider = importlib.import_module(f"{persons.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute)
            if attribute.startswith("_") or "name" not in attribute or not isinstance(values, list | tuple | dict):
                continue
            if "format" in attribute or "language" in attribute:
                continue
            for value in values:
                if isinstance(value, str):
                    yield attribute.startswith(("first", "middle")), value


def _forms(name: str) -> Iterator[str]:
    """The words of `name` as they are looked up. Scripts without capitals are left out: there a list says little."""
    for word in name.replace("-", " ").split():
        if len(word) >= 2 and word[0].isupper():
            yield folded(word)
            yield folded(word.lower().translate(_UMLAUTS))


def _lorem(locale: str) -> tuple[str, ...]:
    return tuple(importlib.import_module(f"faker.providers.lorem.{locale}").Provider.word_list)


def _file(words: set[str]) -> str:
    from faker import VERSION

    head = f"# From Faker {VERSION} (MIT licence, https://github.com/joke2k/faker), by make_names.py. Do not edit.\n"
    return head + "\n".join(sorted(word for word in words if word.replace("'", "").isalpha())) + "\n"


def main() -> None:
    for name, content in made().items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
