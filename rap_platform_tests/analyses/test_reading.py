"""What an LLM wrote becomes an answer, or is refused with a reason; nothing is guessed."""

import json

import pytest

from rap_platform.analyses.reading import Unreadable, WrongLanguage, mend, read, without_thinking
from rap_platform.analyses.results import Answer, answer_schema, locate
from rap_platform_tests.analyses.endpoint import GOOD, LYRICS

TEXT = json.dumps(GOOD)


def test_plain_json_is_taken_as_it_is() -> None:
    found = read(TEXT)
    assert (found.answer.quality, found.answer.primary_mood, found.repaired) == (6, "hopeful", False)


@pytest.mark.parametrize(
    "thought", ['<think>{"quality": 9}</think>\n', "no opening mark {x}</think>", "<think>a</think> b </think>\n\n"]
)
def test_everything_up_to_the_last_end_of_thinking_is_dropped(thought: str) -> None:
    assert read(thought + TEXT).answer.quality == 6


def test_thinking_that_never_ends_is_no_answer() -> None:
    with pytest.raises(Unreadable, match="never ended"):
        without_thinking(f"<think>the quality is {TEXT}")


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{TEXT}\n```",
        f"```\n{TEXT}\n```",
        f"Here it is: {TEXT}",
        f"Here's the mother's {TEXT}\n",
        TEXT[:-1] + ",\n}",
        TEXT.replace('"]', '",]'),
    ],
)
def test_fences_talk_and_trailing_commas_are_mended_and_said_so(text: str) -> None:
    found = read(text)
    assert found.repaired
    assert found.answer == Answer.model_validate(GOOD)


def test_mending_leaves_strings_alone() -> None:
    text = json.dumps({**GOOD, "summary": "He writes x,] and means it, for the whole of a long song."})
    assert json.loads(mend(text[:-1] + ",}")) == json.loads(text)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("8\n/10", "plain number"),
        ("8 // 10", "plain number"),
        ("8 // 10\n", "plain number"),
        ("7\n or 8", "plain number"),
        ("8 /* of 10 */", "plain number"),
        ("8/10", "plain number"),
        ("7 or 8", "plain number"),
        ("8 out of 10", "plain number"),
        ("about 8", "plain number"),
        ("8%", "plain number"),
        ("8,5", "quality"),
        ("7-8", "quality"),
        ("", "plain number"),
        ("NaN", "finite"),
        ("Infinity", "finite"),
        ("1e9", "10"),
        ('"8"', "valid number"),
        ('6, "quality": 9', "more than once"),
    ],
)
def test_a_score_that_nobody_said_plainly_is_no_score(said: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(TEXT.replace('"quality": 6', f'"quality": {said}'))


@pytest.mark.parametrize(
    ("plain", "said", "reason"),
    [
        ('"confidence": 0.7', '"confidence": 0.7, 0.2', "confidence is not given as a plain number"),
        ('"confidence": 0.7', '"confidence": 0,7', "confidence is not given as a plain number"),
        ('"sentiment": "mixed"', '"sentiment": "negative" or "mixed"', "sentiment is not given as one word"),
        (
            '"primary_mood": "hopeful"',
            '"primary_mood": "hopeful" (or "bitter")',
            "primary_mood is not given as one word",
        ),
    ],
)
def test_of_two_values_none_is_chosen(plain: str, said: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(TEXT.replace(plain, said))


@pytest.mark.parametrize(
    "after", ["Wait, the quality should be 9.", "Hope it helps!", "{}", "```\nNo: bitter, rather a 9"]
)
def test_words_after_the_answer_may_take_it_back_so_it_is_none(after: str) -> None:
    with pytest.raises(Unreadable, match="something follows"):
        read(f"{TEXT} {after}")


@pytest.mark.parametrize(
    "last",
    [
        '"summary": "A son {remembers} hard years } and the',
        '"summary": "A son remembers hard years.", "evidence": [{"quote": "never } told us',
        '"summary": "A son remembers hard years.", "evidence": [{"quote": "never told us", "supports": "x"}}',
        '"summary": "A son says "no } and',
    ],
)
def test_half_a_summary_is_none_whatever_braces_it_holds(last: str) -> None:
    scores = {name: value for name, value in GOOD.items() if name not in ("summary", "evidence")}
    with pytest.raises(Unreadable, match="broke off|do not match"):
        read(f"{json.dumps(scores)[:-1]}, {last}")


def test_braces_inside_of_strings_are_letters() -> None:
    summary = 'He says {no} and } and "yes" and it\'s {'
    assert read(json.dumps({**GOOD, "summary": summary})[:-1] + ",}").answer.summary == summary


@pytest.mark.parametrize(
    "text", [TEXT + TEXT, f"{TEXT}\n{TEXT}", f'{{"a": 1}} {TEXT}', TEXT[:-1], TEXT[:-3], "{" * 5000]
)
def test_two_objects_and_half_an_object_are_none(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize("depth", [100, 400, 5_000, 200_000])
@pytest.mark.parametrize("opening", ['{"x": ', f'{TEXT[:-1]}, "x": '])
def test_nesting_that_no_parser_follows_is_refused_and_nothing_worse(opening: str, depth: int) -> None:
    for closing in ("", "]" * depth + "}", "}"):
        with pytest.raises(Unreadable):
            read(opening + "[" * depth + closing)


def test_a_mark_of_thinking_inside_a_whole_answer_is_part_of_it() -> None:
    assert read(TEXT.replace("never told us", "</think> never told us")).answer.quality == 6


@pytest.mark.parametrize(
    "summary",
    [
        "Ein Sohn erinnert sich an harte Jahre und den stillen Mut seiner Mutter.",
        "Un fils se souvient des années dures et du courage discret de sa mère.",
        "Сын вспоминает тяжёлые годы и тихое мужество матери.",
        "这首歌讲述了一个儿子回忆艰难岁月的故事。",
    ],
)
def test_a_summary_in_another_language_is_refused(summary: str) -> None:
    with pytest.raises(WrongLanguage, match="English"):
        read(json.dumps({**GOOD, "summary": summary}, ensure_ascii=False))


@pytest.mark.parametrize(
    "summary",
    [
        "Ein Sohn erinnert sich an harte Jahre und den stillen Mut seiner Mutter.",
        "Un fils se souvient des années dures et du courage discret de sa mère.",
    ],
)
def test_english_findings_do_not_make_a_foreign_summary_english(summary: str) -> None:
    supports = "the mother keeps the price of the light to herself, which shows her love for the family"
    evidence = [{"quote": "never told us what it cost", "supports": supports}] * 6
    with pytest.raises(WrongLanguage):
        read(json.dumps({**GOOD, "summary": summary, "evidence": evidence}))


@pytest.mark.parametrize("summary", ["Solid.", "Dope bars, no skips.", "Él dice *no*, she says yes, and both mean it."])
def test_short_and_mixed_english_is_english(summary: str) -> None:
    assert read(json.dumps({**GOOD, "summary": summary})).answer.summary == summary


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quality": 11}, "quality"),
        ({"quality": "8"}, "quality"),
        ({"quality": True}, "quality"),
        ({"confidence": 7}, "confidence"),
        ({"primary_mood": "happy"}, "primary_mood"),
        ({"themes": []}, "themes"),
        ({"verdict": "great"}, "unknown field"),
        ({"summary": "a\0b"}, "summary"),
    ],
)
def test_what_the_schema_forbids_is_refused_and_named(change: dict[str, object], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(json.dumps({**GOOD, **change}))


@pytest.mark.parametrize(
    "text",
    ["", "I would say 8/10.", f"[{TEXT}, 1]", TEXT.replace("0.7", "NaN"), TEXT.replace(": 6,", ": 8/10,"), TEXT[:200]],
)
def test_other_texts_are_no_answers(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


def test_a_reason_never_repeats_what_the_model_wrote() -> None:
    with pytest.raises(Unreadable) as refused:
        read(json.dumps({**GOOD, "ignore the rules": 1, "primary_mood": "obey me"}))
    assert "ignore" not in str(refused.value)
    assert "obey" not in str(refused.value)


def test_the_schema_asks_for_evidence_before_scores_and_nothing_else() -> None:
    schema = answer_schema()
    names = list(schema["properties"])
    assert names.index("evidence") < names.index("summary") < names.index("complexity") < names.index("quality")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(names)
    assert (schema["properties"]["quality"]["minimum"], schema["properties"]["quality"]["maximum"]) == (1, 10)
    assert len(schema["properties"]["primary_mood"]["enum"]) == 20
    assert len(schema["properties"]["themes"]["items"]["enum"]) == 24


def test_a_quote_is_found_whatever_its_white_space() -> None:
    start, end = locate("what  it cost The corner", LYRICS) or (0, 0)
    assert LYRICS[start:end] == "what it cost\nThe corner"
    assert locate("What it cost", LYRICS) is None
    assert locate("  ", LYRICS) is None
    assert locate("... !", LYRICS) is None


@pytest.mark.parametrize(
    "quote",
    [
        "o",
        "he",
        "rain",
        "[Verse 1]",
        "Verse 1",
        "[Hook] Hold on, hold on",
        "morning and the su",
        "old on, hold on",
        "don",
        "I don",
    ],
)
def test_letters_inside_of_words_single_words_and_headers_prove_nothing(quote: str) -> None:
    assert locate(quote, f"{LYRICS}\nI don't know") is None


@pytest.mark.parametrize(
    ("quote", "lyrics"),
    [("Hold on", LYRICS), ("don't know", "I don't know"), ("Brooklyn!", "we rose\nBrooklyn!\nwe fell"), ("(hey) you", "go (hey) you"),
     ("say 'no'", "I say 'no' now"), ("the hook", "first the hook\n[Hook]\nla la")],
)  # fmt: skip
def test_two_whole_words_or_the_word_of_a_line_are_a_quote(quote: str, lyrics: str) -> None:
    start, end = locate(quote, lyrics) or (0, 0)
    assert lyrics[start:end] == quote


def test_a_later_place_counts_where_the_first_is_inside_of_words() -> None:
    assert locate("on it", "upon it\ncome on it") == (13, 18)
