"""The rule-based analyst: clear songs are heard clearly, every score says what it is made of, and nothing is invented."""

import csv
from pathlib import Path

import numpy as np
import pytest

from rap_platform.analyses import prototypes, rules, weights
from rap_platform.analyses.calibration import shipped
from rap_platform.analyses.results import MOODS, SCORES, THEMES, Analysis, AnalysisFailure
from rap_platform.analyses.weights import Part
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.features import analysis as ear

LONELY = """Nobody rings the bell tonight, the kettle starts to cry
I set a plate for two again and could not tell you why
The empty chair across from me is keeping me awake
I listen to the silence till the windows start to shake

All alone, all alone, there is no one at the door
All alone, all alone, only footsteps on the floor
I talk to all the photographs, they never say a word
I whisper to the dark and hope that somebody has heard"""

PARTY = """Put your hands up in the air and let the speakers go
Everybody on the floor, we jump until we glow
The DJ brings the bass around, the whole house starts to bounce
We dance until the morning and we drink another ounce

Turn it up, turn it up, let me see you on your feet
Turn it up, turn it up, feel the fire in the beat
Friday night is calling and the party never stops
The crowd is going crazy when the next big chorus drops"""


def analysed(lyrics: str, encoder: Encoder) -> Analysis:
    found = rules.analyse_text(lyrics, encoder)
    assert isinstance(found, Analysis)
    return found


def test_a_lonely_song_and_a_party_song_are_told_apart(encoder: Encoder) -> None:
    lonely, party = analysed(LONELY, encoder), analysed(PARTY, encoder)
    assert lonely.primary_mood in ("lonely", "melancholic")
    assert lonely.sentiment == "negative"
    assert (party.primary_mood, party.sentiment) == ("energetic", "positive")
    assert "party" in party.themes
    assert "party" not in lonely.themes


def test_a_clear_mood_is_more_confident_than_a_blend_of_two(encoder: Encoder) -> None:
    clear = analysed(PARTY, encoder)
    blend = analysed(PARTY.split("\n\n")[0] + "\n\n" + LONELY.split("\n\n")[0], encoder)
    assert clear.raw_confidence > blend.raw_confidence
    assert clear.confidence is not None and blend.confidence is not None
    assert clear.confidence > blend.confidence > 0.5


@pytest.mark.parametrize(("share", "ambiguous"), [(0.5, True), (0.8, False)])
def test_a_song_between_two_moods_is_ambiguous(encoder: Encoder, share: float, *, ambiguous: bool) -> None:
    marks = rules.landmarks(encoder)
    one, other = marks.moods[MOODS.index("joyful")], marks.moods[MOODS.index("somber")]
    vector = (marks.centre + share * one + (1 - share) * other).astype(np.float32)[None]
    sections = [rules.SectionText(1, 9, LONELY)]
    found = rules.analyse_song(LONELY, ear.analyse(LONELY), sections, vector, marks)
    assert isinstance(found, Analysis)
    assert found.ambiguous is ambiguous
    assert set(found.moods) == ({"joyful", "somber"} if ambiguous else {"joyful"})


def test_confidence_is_what_the_shipped_calibration_says_of_the_raw_number(encoder: Encoder) -> None:
    found = analysed(LONELY, encoder)
    assert found.confidence == pytest.approx(shipped().calibrator.confidence(found.raw_confidence), abs=1e-4)


def test_evidence_stands_where_it_says(encoder: Encoder) -> None:
    found = analysed(PARTY, encoder)
    assert {evidence.supports for evidence in found.evidence} >= {"mood: energetic", "theme: party"}
    assert all(PARTY[evidence.start : evidence.end] == evidence.quote for evidence in found.evidence)


def test_every_score_is_the_sum_of_its_parts(encoder: Encoder) -> None:
    found = analysed(LONELY, encoder)
    for name in SCORES:
        explained = found.explanation["scores"][name]
        assert explained["base"] + sum(part["points"] for part in explained["parts"]) == pytest.approx(
            getattr(found, name), abs=0.06
        )
        assert sum(part["of"] for part in explained["parts"]) == pytest.approx(9, abs=0.06)


def test_every_figure_in_a_score_is_one_that_is_heard(encoder: Encoder) -> None:
    song = PARTY + "\n\n" + LONELY
    found = analysed(song, encoder)
    assert {name: found.explanation["scores"][name]["missing"] for name in SCORES} == {name: [] for name in SCORES}


def test_the_same_song_is_analysed_the_same(encoder: Encoder) -> None:
    assert analysed(LONELY, encoder) == analysed(LONELY, encoder)


def test_what_is_too_short_or_foreign_is_a_failure_with_its_reason(encoder: Encoder) -> None:
    short = rules.analyse_text("one line\nand another", encoder)
    german = [
        "Ich gehe durch die Straßen und der Regen fällt auf mich",
        "Die Lichter in den Fenstern warten heute nicht auf dich",
    ]
    foreign = rules.analyse_text("\n".join(german * 5), encoder)
    assert isinstance(short, AnalysisFailure)
    assert isinstance(foreign, AnalysisFailure)
    assert short.error == "too_short: 2 bars; figures need 8"
    assert foreign.error == "not_english: language is de; sounds are known for English only"
    assert isinstance(rules.analyse_text("", encoder), AnalysisFailure)


def test_a_missing_figure_takes_its_weight_with_it() -> None:
    parts = (Part("a", 0, 1, 3), Part("b", 0, 1, 1))
    score, explained = rules.score({"a": 0.5, "b": None}, parts)
    assert score == 5.5
    assert explained["missing"] == ["b"]


def test_a_score_never_rests_on_what_is_not_there() -> None:
    parts = (Part("a", 0, 1, 1), Part("b", 0, 1, 3))
    assert rules.score({"a": 0.5, "b": None}, parts) == (None, {"missing": ["b"]})


def test_less_is_more_where_the_bounds_are_turned_round() -> None:
    parts = (Part("hook_share", 0.6, 0.1, 1),)
    assert [rules.score({"hook_share": share}, parts)[0] for share in (0.9, 0.35, 0.0)] == [1.0, 5.5, 10.0]


def test_every_mood_and_theme_has_its_prototypes_and_valence() -> None:
    assert set(prototypes.MOODS) == set(weights.VALENCE) == set(MOODS)
    assert set(prototypes.THEMES) == set(THEMES)
    assert set(weights.SCORES) == set(SCORES)


def test_each_prototype_is_nearest_to_its_own_landmark(encoder: Encoder) -> None:
    marks = rules.landmarks(encoder)
    for names, sentences, landmarks in (
        (MOODS, prototypes.MOODS, marks.moods),
        (THEMES, prototypes.THEMES, marks.themes),
    ):
        for name in names:
            near = (encoder.encode(sentences[name]) - marks.centre) @ landmarks.T
            assert names[int(np.argmax(near.mean(axis=0)))] == name


def test_the_version_covers_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rules._digest(weights, prototypes)
    assert rules.RULES_VERSION.endswith(before)
    monkeypatch.setattr(weights, "MOOD_RATIO", 0.51)
    assert rules._digest(weights, prototypes) != before


def test_real_poems_go_through_it(encoder: Encoder) -> None:
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "verse.csv"
    if not path.exists():
        pytest.skip("the file of poems is not here")
    with path.open(encoding="utf-8", newline="") as file:
        poems = [row["text"] for row in csv.DictReader(file) if 400 < len(row["text"]) < 1200][:25]
    found = [rules.analyse_text(poem, encoder) for poem in poems]
    analyses = [one for one in found if isinstance(one, Analysis)]
    assert len(analyses) >= 20
    assert len({one.primary_mood for one in analyses}) >= 4
    assert np.std([one.quality for one in analyses]) > 0.1
    assert np.std([one.raw_confidence for one in analyses]) > 0.05
