"""Saved conversations: encrypted, whole or as they were, for one process at a time, and never overwritten blindly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import BlockedByPolicy, HybridragError, UsageError
from hybridrag.privacy.conversation import Cited, Conversation, Spoken
from hybridrag.privacy.conversations import ConversationBusy, Conversations
from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger
from hybridrag.privacy.pseudonyms import Pseudonyms
from hybridrag.types import Label, Quote, Turn

KEY = bytes(range(32))
SECRET = "ann.lee@example.com"
TEXTS = st.text(st.characters(codec=None), max_size=60)
TURNS = st.builds(
    Spoken,
    st.builds(Turn, TEXTS, TEXTS, TEXTS, st.sampled_from(Label)),
    citations=st.lists(
        st.builds(
            Cited,
            marker=st.integers(1, 99),
            document=st.uuids(),
            uri=TEXTS,
            label=st.sampled_from(Label),
            title=TEXTS,
            page=st.none() | st.integers(1, 999),
            headings=st.lists(TEXTS, max_size=3).map(tuple),
            quotes=st.lists(st.builds(Quote, st.integers(0, 9999), TEXTS), min_size=1, max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    shares=st.dictionaries(TEXTS, st.tuples(st.sampled_from(Label), st.integers(1, 9999)), max_size=3),
    complete=st.booleans(),
)


def kept_in(folder: Path, key: bytes = KEY) -> Conversations:
    gateway = Gateway(
        detectors=builtin_detectors(), ledger=FileLedger(folder.parent / "ledger.jsonl", key=key), key=key
    )
    return Conversations(folder, key=lambda: key, gateway=lambda: gateway)


def turn(number: int) -> Spoken:
    cited = Cited(1, uuid.uuid5(uuid.NAMESPACE_URL, "a"), "a/b.md", Label.INTERNAL, "B", 3, ("B",), (Quote(4, SECRET),))
    asked = Turn(f"Who is {SECRET}, {number}?", "who", f"Answer {number} [1]", Label.CONFIDENTIAL)
    return Spoken(asked, (cited,), {"a/b.md": (Label.INTERNAL, 9)}, complete=number % 2 == 0)


def conversation(turns: int) -> Conversation:
    gateway = Gateway(detectors=builtin_detectors(), ledger=FileLedger(Path(os.devnull), key=KEY), key=KEY)
    pseudonyms = gateway.open([f"write to {SECRET}"]).pseudonyms
    return Conversation("default", 7, tuple(map(turn, range(turns))), pseudonyms)


def saved(folder: Path, name: str = "talk", turns: int = 2) -> Path:
    with kept_in(folder).new(name) as kept:
        kept.save(conversation(turns))
    return folder / f"{name}.chat"


def told(map_: Pseudonyms | None) -> object:
    return map_.state() if map_ is not None else None


@given(turns=st.lists(TURNS, max_size=4), with_map=st.booleans())
def test_what_was_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, turns: list[Spoken], with_map: bool
) -> None:
    folder = tmp_path_factory.mktemp("home") / "chats"
    before = Conversation("c", 3, tuple(turns), conversation(0).pseudonyms if with_map else None)
    with kept_in(folder).new("a") as kept:
        kept.save(before)
    with kept_in(folder).resumed("a") as (_, after):
        assert (after.collection, after.generation, after.turns) == ("c", 3, tuple(turns))
        assert told(after.pseudonyms) == told(before.pseudonyms)


def test_a_file_holds_no_plain_text_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    content = path.read_bytes()
    for text in (SECRET, "example", "Who is", "a/b.md", "EMAIL", "default", "question"):
        assert text.encode() not in content
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in path.parent.iterdir()) == ["talk.chat"]


def test_every_change_by_hand_is_seen_and_nothing_is_overwritten(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    whole = path.read_bytes()
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 37)]
    for content in [*changed, whole[:-1], whole[:10], b"", whole + b"x"]:
        path.write_bytes(content)
        with pytest.raises(BlockedByPolicy, match="talk"), kept_in(path.parent).resumed("talk"):
            pass
        assert path.read_bytes() == content


def test_another_key_another_name_and_another_version_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    whole = path.read_bytes()
    with pytest.raises(BlockedByPolicy, match="another key"), kept_in(path.parent, b"k" * 32).resumed("talk"):
        pass
    (path.parent / "other.chat").write_bytes(whole)
    with pytest.raises(BlockedByPolicy, match="renamed"), kept_in(path.parent).resumed("other"):
        pass
    path.write_bytes(whole.replace(b"chat 1\n", b"chat 2\n"))
    with pytest.raises(BlockedByPolicy, match="the form 2"), kept_in(path.parent).resumed("talk"):
        pass


def test_a_second_holder_is_told_and_the_first_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    saved(folder)
    with kept_in(folder).resumed("talk") as (kept, _):
        for open_again in (kept_in(folder).resumed, kept_in(folder).new):
            with pytest.raises(ConversationBusy) as busy, open_again("talk"):
                pass
            assert busy.value.exit_code == 75
        with pytest.raises(ConversationBusy):
            kept_in(folder).forget("talk")
        kept.save(conversation(5))
    with kept_in(folder).resumed("talk") as (_, after):
        assert len(after.turns) == 5


def test_a_file_that_somebody_else_changed_meanwhile_is_left(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    with kept_in(path.parent).resumed("talk") as (kept, _):
        path.write_bytes(b"something else")
        with pytest.raises(BlockedByPolicy, match="left as it is"):
            kept.save(conversation(3))
        path.unlink()
        with pytest.raises(BlockedByPolicy, match="left as it is"):
            kept.save(conversation(3))
    assert not path.exists()


def test_a_taken_name_is_not_taken_again(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    with pytest.raises(UsageError, match="already"), kept_in(path.parent).new("talk"):
        pass


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a\0b", "a b", "x" * 65, "-flag", "ä"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError), kept_in(tmp_path / "chats").new(name):
        pass
    with pytest.raises(UsageError):
        kept_in(tmp_path / "chats").forget(name)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(HybridragError), kept_in(path.parent).resumed("talk"):
        pass


def test_what_is_forgotten_leaves_no_trace_even_where_it_cannot_be_opened(tmp_path: Path) -> None:
    path = saved(tmp_path / "chats")
    path.write_bytes(b"damaged")
    kept_in(path.parent, b"k" * 32).forget("talk")
    assert list(path.parent.iterdir()) == []
    with pytest.raises(UsageError, match="no conversation talk"):
        kept_in(path.parent).forget("talk")


def test_conversations_are_listed_the_last_written_first(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    assert kept_in(folder).listed() == []
    for second, name in enumerate(("b", "a", "c")):
        os.utime(saved(folder, name), (second, second))
    (folder / "notes.txt").write_text("x")
    assert [each.name for each in kept_in(folder).listed()] == ["c", "a", "b"]


_SAVES = """
import sys
from pathlib import Path
from tests.privacy.test_conversations import conversation, kept_in

with kept_in(Path(sys.argv[1])).resumed("talk") as (kept, before):
    count = len(before.turns)
    while True:
        count += 1
        kept.save(conversation(count))
        print(count, flush=True)
"""


@pytest.mark.parametrize("saves", [1, 3, 7, 12])
def test_a_process_killed_while_it_saves_leaves_a_whole_conversation(tmp_path: Path, saves: int) -> None:
    path = saved(tmp_path / "chats")
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", _SAVES, str(path.parent)], cwd=root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    done = 0
    for _ in range(saves):
        done = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    done = max([done, *(int(line) for line in process.stdout.read().split())])
    process.stdout.close()
    process.wait()
    with kept_in(path.parent).resumed("talk") as (kept, after):
        assert done <= len(after.turns) <= done + 1
        kept.save(conversation(2))
    assert [each.name for each in path.parent.iterdir()] == ["talk.chat"]
