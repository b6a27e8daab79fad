"""Style transfer on two invented artists who say the same things in their own ways: pairs, a tiny T5, measures, commands."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.settings import NotConfigured, Settings, get_settings
from rap_platform.training.finetuning.loop import Schedule
from rap_platform.training.finetuning.style import measures, pairing, t5, texts, transfer
from rap_platform.training.finetuning.style.commands import app
from rap_platform.training.finetuning.style.texts import Line, Section
from rap_platform_tests.embeddings.conftest import add_track, embedder_settings, encoder, shared_models
from rap_platform_tests.training.finetuning import tiny

__all__ = ["add_track", "embedder_settings", "encoder", "shared_models"]

PLACES = [
    "harbour", "station", "market", "river", "bridge", "church", "prison", "school", "garden", "desert", "stadium", "hospital",
    "mountain", "island", "theatre", "bakery", "library", "cinema", "kitchen", "cellar", "rooftop", "tunnel", "highway", "airport",
    "forest", "meadow", "factory", "museum", "palace", "village",
]  # fmt: skip
SOFT = ["I am walking slowly to the {0} at night", "My mother waited for me near the {0} in vain"]
LOUD = ["yo we march up to the {0} past midnight bang", "mama stood by that {0} for her boy no gain bang"]
AddTrack = Callable[..., int]


@pytest.fixture
def two(add_track: AddTrack, connection: psycopg.Connection) -> transfer.Artists:
    """Sixty songs: thirty places, each sung about by Soft and by Loud."""
    for place in PLACES:
        for artist, ways in (("Soft", SOFT), ("Loud", LOUD)):
            add_track(f"{artist} {place}", ["\n".join(way.format(place) for way in ways)], artist=artist, language="en")
    connection.commit()
    return transfer.artists(connection, "soft", "LOUD")


def test_pairs_are_mutual_nearest_lines_and_never_of_one_family() -> None:
    vectors = {"a one two three": [1, 0, 0], "b one two three": [0.6, 0.8, 0], "c one two three": [0, 0, 1],
               "x one two three": [0.96, 0.28, 0], "y one two three": [0, 0.1, 0.995]}  # fmt: skip

    def encode(lines: object) -> np.ndarray:
        return np.array([vectors[line] for line in lines], dtype=np.float32)  # type: ignore[attr-defined]

    a, b, c = (
        Line(family, text) for family, text in ((1, "a one two three"), (2, "b one two three"), (3, "c one two three"))
    )
    x, y = Line(4, "x one two three"), Line(5, "y one two three")
    found = pairing.pairs([a, b, c], [x, y], encode, 0.5)
    assert [(pair.source, pair.target) for pair in found] == [(c, y), (a, x)]  # b's nearest is x, whose nearest is a
    assert [pair.similarity for pair in found] == pytest.approx([0.995, 0.96])
    assert [pair.source for pair in pairing.pairs([a, b, c], [x, y], encode, 0.97)] == [c]
    remix = Line(3, y.text)
    assert [pair.source for pair in pairing.pairs([a, b, c], [x, remix], encode, 0.5)] == [a]
    assert (
        pairing.pairs([a], [Line(9, "A one, two three!")], lambda lines: np.ones((len(lines), 1), np.float32), 0.5)
        == []
    )


def test_lines_are_told_apart_by_their_words_and_songs_by_their_family() -> None:
    sections = [Section(1, 1, 1, "Hold on, hold on now\nyeah\nhold on hold on NOW", False)]
    assert texts.lines(sections) == [Line(1, "Hold on, hold on now")]
    parts = [texts.part_of(family) for family in range(2000)]
    assert [parts.count(part) / 2000 for part in ("teach", "judge", "test")] == pytest.approx([0.6, 0.2, 0.2], abs=0.04)
    assert texts.distinct_2(["a b a b", "a b"]) == pytest.approx(2 / 4)
    assert texts.distinct_2(["a"]) is None


def test_a_style_is_learned_from_lines_that_mean_the_same_and_beats_copying(
    two: transfer.Artists,
    embedder_settings: Settings,
    encoder: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    base = tiny.t5(tmp_path / "t5", [section.text for section in two.ours + two.theirs])
    told = {
        "STYLE_BASE_MODEL": base,
        "STYLE_EPOCHS": 30,
        "STYLE_LEARNING_RATE": 0.01,
        "STYLE_LEAST_SIMILARITY": 0.4,
        "BATCH_ROWS": 16,
    }
    for name, value in told.items():
        monkeypatch.setenv(f"RAP_TRAINING__{name}", str(value))
    get_settings.cache_clear()
    settings = get_settings()

    def encode(lines: object) -> np.ndarray:
        return encoder.encode(list(lines))  # type: ignore[call-overload, no-any-return]

    found = transfer.pairs(two, encode, 0.4)
    assert len(found) >= 20
    place_of = {place: number for number, place in enumerate(PLACES)}
    same = [{*pair.source.text.split()} & {*pair.target.text.split()} & {*place_of} for pair in found]
    assert np.mean([len(shared) == 1 for shared in same]) > 0.9
    assert {texts.part_of(pair.source.family) for pair in found} == {"teach"}

    style = transfer.train(two, settings, encode)
    losses = [loss for _, loss in style.losses]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    assert transfer.train(two, settings, encode).manifest == style.manifest
    assert transfer.newest(settings, "Soft", "Loud").folder == style.folder
    assert style.manifest["simulated"] is False
    with pytest.raises(transfer.NoSuchStyle, match="style train --from 'Loud' --to 'Soft'"):
        transfer.newest(settings, "Loud", "Soft")

    report = transfer.measured(two, style, encode, seed=1)
    rewritten, copied, chance = report["measures"]
    assert report["judge_accuracy"] == 1
    assert (copied.style, copied.copied, copied.content) == (0, 1, pytest.approx(1, abs=1e-4))
    assert chance.style == 1
    assert rewritten.style > 0.8
    assert rewritten.copied == 0
    assert rewritten.content > chance.content
    assert t5.rewrite(style, ["", SOFT[0].format("harbour")])[0] == ""


def test_measures_hear_the_rhyme_and_see_the_variety(encoder: Encoder) -> None:
    rhymed = ["I saw the light", "it came at night", "we lost the day", "and went away"] * 3
    plain = ["I saw the lamp", "it came at noon", "we lost the week", "and went abroad"] * 3
    sections = [Section(1, 1, 1, "\n".join(rhymed), False)], [Section(2, 2, 1, "\n".join(plain), False)]
    critic = measures.judge(*sections, unseen=sections, seed=1)
    assert critic.accuracy == 1

    def encode(lines: object) -> np.ndarray:
        return encoder.encode(list(lines))  # type: ignore[call-overload, no-any-return]

    ours, theirs = (measures.measure("m", rhymed, said, critic, encode) for said in (rhymed, plain))
    assert (ours.style, theirs.style) == (0, 1)
    assert (ours.end_rhyme or 0) > 0.8 > 0.3 > (theirs.end_rhyme or 0)
    with pytest.raises(ValueError, match="one of them has too few"):
        measures.judge(sections[0], [], unseen=sections, seed=1)


def test_a_killed_training_of_a_style_goes_on_and_so_does_its_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [pairing.Pair(Line(1, SOFT[0].format(place)), Line(2, LOUD[0].format(place)), 0.9) for place in PLACES]
    base = tiny.t5(tmp_path / "t5", [pair.source.text for pair in found] + [pair.target.text for pair in found])
    recipe = t5.Recipe("0" * 64, "Soft", "Loud", False, t5.digest(found), Schedule(2, 0.01, 8, 4096, 1))

    class Killed(BaseException):
        pass

    def dies(*args: object, **kwargs: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("rap_platform.training.finetuning.adapters.put", dies)  # between the last step and the folder
        with pytest.raises(Killed):
            t5.train(recipe, base, found, tmp_path, checkpoint_steps=3)
    assert t5.known(tmp_path) == []
    seen: list[tuple[int, int]] = []

    def track(items: Iterable[int], total: int, label: str) -> Iterator[int]:
        for item in items:
            yield item
            seen.append((item + 1, total))
        seen.append((len(label) and total, total))

    monkeypatch.setattr("rap_platform.orchestration.progress.track", track)
    style = t5.train(recipe, base, found, tmp_path, checkpoint_steps=3)
    assert style.manifest["resumed_at"] == 8
    assert seen == [*((step, 8) for step in range(1, 9)), (8, 8)]
    assert [step for step, _ in style.losses] == list(range(1, 9))
    with pytest.raises(t5.TooFewPairs, match=r"3 pairs of lines of Soft and Loud .* 20 are needed: lower RAP_TRAINING"):
        t5.train(
            t5.Recipe("0" * 64, "Soft", "Loud", False, "x", recipe.schedule),
            base,
            found[:3],
            tmp_path,
            checkpoint_steps=3,
        )


def test_without_weights_and_without_artists_the_commands_say_what_is_missing(
    two: transfer.Artists, settings: Settings
) -> None:
    with pytest.raises(
        NotConfigured, match=r"RAP_TRAINING__STYLE_BASE_MODEL to a folder with T5 weights \(config\.json, "
    ):
        transfer.train(two, settings, lambda lines: np.zeros((len(lines), 1), np.float32))

    def refused(*arguments: str) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2, done.output
        return " ".join(done.output.split())

    assert "the base model of style transfer is not configured" in refused("train", "--from", "Soft", "--to", "Loud")
    assert "Sofft has no songs here; did you mean Soft?" in refused("measure", "--from", "Sofft", "--to", "Loud")
    assert "Soft and Soft are one artist" in refused("measure", "--from", "soft", "--to", "Soft")
    assert "no style from Soft to Loud was trained" in refused("measure", "--from", "Soft", "--to", "Loud")
