"""What an LLM wrote becomes an answer, or is refused with a reason; nothing is guessed."""

import json

import pytest

from rap_platform.analyses.reading import Unreadable, mend, read, without_thinking
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
        f"Here it is: {TEXT} Hope it helps!",
        TEXT[:-1] + ",\n}",
        TEXT.replace('"]', '",]'),
    ],
)
def test_fences_talk_and_trailing_commas_are_mended_and_said_so(text: str) -> None:
    found = read(text)
    assert found.repaired
    assert found.answer == Answer.model_validate(GOOD)


def test_mending_leaves_strings_alone() -> None:
    assert mend('{"a": "x,]", "b": [1,],}') == '{"a": "x,]", "b": [1]}'


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
