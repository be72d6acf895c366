"""Which words are common is read from the sample, in any language, with spaces or without."""

from __future__ import annotations

from hybridrag.evaluation.vocabulary import Vocabulary
from tests.evaluation.materials import handbook, material, terms


def words(text: str, vocabulary: Vocabulary, **about: str) -> list[str]:
    return [word.text for word in vocabulary.content_words(text, material("x.md", text, **about))]  # type: ignore[arg-type]


def test_words_of_many_chunks_are_common_and_others_are_not() -> None:
    vocabulary = Vocabulary(handbook(), terms)
    assert words("the pension is reviewed by the works council", vocabulary) == ["pension"]


def test_another_form_of_a_common_word_is_common_too() -> None:
    vocabulary = Vocabulary(handbook(), terms)
    assert words("reviewing departments of the parking garage", vocabulary) == ["parking", "garage"]


def test_what_is_common_is_told_by_language() -> None:
    german = [material(f"d{n}.md", f"Das Haus und der Hof {n}", language="de") for n in range(8)]
    english = [material(f"e{n}.md", f"a dog und {'abcdefgh'[n]} cat", language="en") for n in range(2)]
    vocabulary = Vocabulary([*german, *english], terms)
    assert words("und Haus Wolke", vocabulary, language="de") == ["Wolke"]
    assert words("und Haus Wolke", vocabulary, language="en") == ["und", "Haus", "Wolke"]


def test_particles_divide_scripts_without_spaces() -> None:
    texts = ["服务器的配置文件", "数据库的备份方案", "网络的安全策略", "用户的访问权限", "系统的更新日志"]
    vocabulary = Vocabulary([material(f"{n}.md", t, title="x", language="zh") for n, t in enumerate(texts)], terms)
    assert words("数据库的配置文件", vocabulary, language="zh") == ["数据库", "配置文件"]


def test_numbers_short_words_and_endless_ones_say_nothing() -> None:
    vocabulary = Vocabulary(handbook(), terms)
    assert words(f"12345 3.14 ab {'x' * 41} zeppelin", vocabulary) == ["zeppelin"]


def test_each_word_comes_once_with_its_counts() -> None:
    about = material("a.md", "zeppelin Zeppelin hangar", title="x")
    others = [material(f"{n}.md", "zeppelin field", title="x", language="fr") for n in range(3)]
    found = Vocabulary([about, *others], terms).content_words(about.chunk.text, about)
    assert [(word.text, word.chunks, word.here) for word in found] == [("zeppelin", 4, 2), ("hangar", 1, 1)]


def test_documents_that_hold_all_that_is_rare_in_a_question_are_counted() -> None:
    own = material("own.md", "the hangar of the zeppelin is cold")
    same_words = material("same.md", "a zeppelin in another hangar")
    half = material("half.md", "a hangar for planes")
    far = [material(f"{n}.md", "the weather is cold") for n in range(20)]
    vocabulary = Vocabulary([own, same_words, half, *far], terms)
    assert vocabulary.equals("zeppelin hangar", own) == 1
    assert vocabulary.equals("the zeppelin hangar", own) == 1, "a common word makes no difference"
    assert vocabulary.equals("hangar", own) == 2


def test_copies_of_a_chunk_are_no_rivals() -> None:
    own = material("own.md", "zeppelin hangar", sources=("docs/copy.md",))
    copy = material("copy.md", "zeppelin hangar", sources=("docs/own.md",))
    assert Vocabulary([own, copy], terms).equals("zeppelin hangar", own) == 0


def test_order_and_form_of_words_make_no_new_question() -> None:
    vocabulary = Vocabulary(handbook(), terms)
    assert vocabulary.key("parking garages", "en") == vocabulary.key("Garage parking", "en")
    assert vocabulary.key("parking garages", "en") != vocabulary.key("parking", "en")
