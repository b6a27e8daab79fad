"""Style transfer from one artist of the database to another: pairs, training, rewriting, measuring. Prints nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

import psycopg

from rap_platform.embeddings.encoders.minilm import load_encoder
from rap_platform.lyrics.identity import normalise
from rap_platform.settings import NotConfigured, Settings
from rap_platform.training.finetuning import bases, loop, packages
from rap_platform.training.finetuning.style import measures, pairing, queries, t5, texts
from rap_platform.training.finetuning.style.pairing import Encode, Pair
from rap_platform.training.finetuning.style.texts import Section

MOST_TESTED: Final = 400  # lines that are rewritten to be measured


class NoSuchArtist(Exception):
    """Nobody of this name has songs here; the message names who comes close."""


class NoSuchStyle(Exception):
    """No style was trained for two artists; the message says how it is."""


@dataclass(frozen=True)
class Artists:
    """Whose lines are rewritten, whose style they get, and what both perform."""

    source: str
    target: str
    ours: list[Section]
    theirs: list[Section]

    @property
    def simulated(self) -> bool:
        """Whether a song of either was made up by the simulated world."""
        return any(section.simulated for section in (*self.ours, *self.theirs))


def artists(conn: psycopg.Connection, source: str, target: str) -> Artists:
    """The two artists with their sections. Raises NoSuchArtist."""
    (ours, our_ids), (theirs, their_ids) = _artist(conn, source), _artist(conn, target)
    if set(our_ids) & set(their_ids):
        raise NoSuchArtist(f"{ours} and {theirs} are one artist: name two")
    return Artists(ours, theirs, queries.sections(conn, ours, our_ids), queries.sections(conn, theirs, their_ids))


def _artist(conn: psycopg.Connection, name: str) -> tuple[str, list[int]]:
    found = queries.artist(conn, normalise(name))
    if found is None:
        near = get_close_matches(name, queries.names(conn), n=3)
        raise NoSuchArtist(f"{name} has no songs here" + (f"; did you mean {', '.join(near)}?" if near else ""))
    return found


def encoder(settings: Settings) -> Encode:
    """MiniLM of these settings, loaded when the first line is encoded."""
    return lambda lines: load_encoder(settings).encode(list(lines))


def pairs(both: Artists, encode: Encode, least: float) -> list[Pair]:
    """The pairs of lines that teach."""
    ours, theirs = (texts.lines(texts.of_part(sections, "teach")) for sections in (both.ours, both.theirs))
    return pairing.pairs(ours, theirs, encode, least)


def train(both: Artists, settings: Settings, encode: Encode) -> t5.Style:
    """The style of the target learned from the teaching songs of both. Raises NotConfigured, BadBase, PackagesMissing, TooFewPairs."""
    told = settings.training
    if told.style_base_model is None:
        raise NotConfigured(
            "the base model of style transfer",
            f"{t5.SETTING} to a folder with T5 weights (config.json, *.safetensors, the tokenizer's files), e.g. of flan-t5-base",
        )
    packages.require()
    base = t5.base_folder(told.style_base_model)
    found = pairs(both, encode, told.style_least_similarity)
    schedule = loop.Schedule(told.style_epochs, told.style_learning_rate, told.batch_rows, told.batch_tokens, told.seed)
    base_sha256 = bases.digest(base, t5.home(settings.data_dir) / bases.NOTES)
    recipe = t5.Recipe(base_sha256, both.source, both.target, both.simulated, t5.digest(found), schedule)
    return t5.train(recipe, base, found, settings.data_dir, checkpoint_steps=told.checkpoint_steps)


def newest(settings: Settings, source: str, target: str) -> t5.Style:
    """The newest style from one artist to another. Raises NoSuchStyle."""
    found = t5.known(settings.data_dir, source, target)
    if not found:
        raise NoSuchStyle(
            f"no style from {source} to {target} was trained: rap-platform style train --from '{source}' --to '{target}'"
        )
    return found[0]


def measured(both: Artists, style: t5.Style, encode: Encode, seed: int) -> dict[str, Any]:
    """The rewritten test songs beside copying and chance, and how good the judge is. Raises ValueError where songs are too few."""
    judged = tuple(texts.of_part(sections, "judge") for sections in (both.ours, both.theirs))
    tested = tuple(texts.of_part(sections, "test") for sections in (both.ours, both.theirs))
    critic = measures.judge(judged[0], judged[1], (tested[0], tested[1]), seed)
    sources = spoken(tested[0])[:MOST_TESTED]
    targets = [line.text for line in texts.lines(tested[1])]
    if not sources or not targets:
        raise ValueError("no song is left to test on: bring more songs of both artists")
    outputs = t5.rewrite(style, sources)
    return {
        "judge_accuracy": critic.accuracy,
        "measures": measures.compare(sources, outputs, targets, critic, encode, seed),
    }


def spoken(sections: Sequence[Section]) -> list[str]:
    """Every line with words in it, in the order of the songs: rhyme is between neighbours."""
    return [line.strip() for section in sections for line in section.text.split("\n") if texts.wording(line)]
