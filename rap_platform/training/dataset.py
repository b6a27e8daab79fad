"""What enters a dataset version, what is dropped and why, and which version it is. No SQL, no files, no models."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rap_platform.settings import Dataset
from rap_platform.training import dataset_card as cards
from rap_platform.training import labels as rating_model
from rap_platform.training import splitting
from rap_platform.training.dataset_rows import UNKNOWN, Member, Population, Row

__all__ = ["Member", "Near", "Plan", "Population", "Row", "TooFew", "eligible_rows", "plan", "too_few"]

LABEL_DECIMALS = 4
HEARD = frozenset({"ok", "low_confidence"})
# Pairs of track ids, of those given, whose lyrics say nearly the same.
Near = Callable[[Sequence[int]], Collection[tuple[int, int]]]


@dataclass(frozen=True)
class Plan:
    """A dataset version before it is stored."""

    version: str
    digest: str
    population: Population
    members: tuple[Member, ...]
    card: dict[str, Any]

    def count(self, split: splitting.Split) -> int:
        """Tracks on one side."""
        return sum(member.split == split for member in self.members)


@dataclass(frozen=True)
class TooFew:
    """No dataset can be made; `missing` says of what there is too little and `remedy` what to do."""

    population: str
    eligible: int
    missing: str
    remedy: str
    dropped: dict[str, int]


def nobody_near(track_ids: Sequence[int]) -> Collection[tuple[int, int]]:
    """No pair: for callers that have no texts at hand."""
    return ()


def plan(
    rows: Sequence[Row],
    ratings: Mapping[int, Sequence[rating_model.Rating]],
    settings: Dataset,
    population: Literal["auto", "real", "simulated", "mixed"],
    near: Near = nobody_near,
) -> Plan | TooFew:
    """Filter, label, choose and split; the same songs and ratings always give the same version, in any database and order.

    `rows` are rated tracks, `ratings` their marks; marks of one population never label the other's tracks. `population` is
    auto, real, simulated or mixed; auto means real once `minimum` real tracks pass the filters, else simulated. `near` is
    asked once for the near-duplicates among the tracks taken: they stay together although nobody linked them.
    """
    # A mark that was removed between the two readings leaves its track without any.
    rows = [row for row in rows if ratings.get(row.track_id)]
    chosen: Population = _automatic(rows, settings) if population == "auto" else population
    pool = [row for row in rows if chosen == "mixed" or row.simulated == (chosen == "simulated")]
    eligible, dropped = eligible_rows(pool, settings)
    if len(eligible) < settings.minimum:
        return too_few(chosen, len(pool), len(eligible), dropped, settings)
    ranked = sorted(pool, key=lambda row: _rank(row, settings.seed))
    fitted = rating_model.fit([rating for row in ranked for rating in ratings[row.track_id]])
    taken = sorted(eligible, key=lambda row: _rank(row, settings.seed))[: settings.size]
    if len(eligible) > len(taken):
        dropped["not needed: the dataset is full"] = len(eligible) - len(taken)
    ties = near([row.track_id for row in taken])
    grouped, guests = splitting.groups(
        [splitting.Candidate(r.track_id, r.artist_id, r.family, r.guests, r.artist, r.lyrics_sha256) for r in taken],
        ties,
    )
    labelled = {row.track_id: round(fitted.labels[row.track_id], LABEL_DECIMALS) for row in taken}
    try:
        sides = splitting.split(grouped, _strata(taken, labelled), share=settings.eval_share, seed=settings.seed)
    except splitting.NoSplit as error:
        return TooFew(chosen, len(eligible), str(error), "rate tracks of more artists", dropped)
    learned = {grouped[track_id] for track_id, side in sides.items() if side == "train"}
    if len(learned) < 2:
        missing = "all tracks to learn from are of one group of artists and near-duplicates; cross-validation needs two"
        return TooFew(chosen, len(eligible), missing, "rate tracks of more artists", dropped)
    members = tuple(
        Member(row.track_id, sides[row.track_id], labelled[row.track_id], grouped[row.track_id], row.lyrics_sha256)
        for row in sorted(taken, key=lambda row: row.track_id)
    )
    digest = _digest(taken, members, chosen, settings)
    version = f"{chosen}-{digest[:12]}"
    card = cards.build(
        {row.track_id: row for row in taken},
        members,
        fitted,
        settings,
        version=version,
        digest=digest,
        population=chosen,
        eligible=len(eligible),
        rated=len(pool),
        dropped=dropped,
        guests=guests,
        ties=ties,
        heard=HEARD,
    )
    return Plan(version, digest, chosen, members, card)


def eligible_rows(pool: Sequence[Row], settings: Dataset) -> tuple[list[Row], dict[str, int]]:
    """Rows that pass the filters, one per family of near-duplicates, and how many were dropped for which reason.

    Of a family the original is taken, and when it does not pass the one that the seed ranks first.
    """
    dropped: Counter[str] = Counter()
    eligible = []
    seen: set[int | str] = set()
    for row in sorted(pool, key=lambda row: (row.family != row.track_id, _rank(row, settings.seed))):
        reason = _objection(row, settings)
        if reason is None and seen & {row.family, row.lyrics_sha256}:
            reason = "near-duplicate of a track that is in"
        if reason is None:
            seen |= {row.family, row.lyrics_sha256}
            eligible.append(row)
        else:
            dropped[reason] += 1
    return eligible, dict(dropped)


def _objection(row: Row, settings: Dataset) -> str | None:
    if row.characters <= settings.minimum_characters:
        return f"lyrics not longer than {settings.minimum_characters} characters"
    if row.features is None:
        return "no lyric features yet"
    if row.features not in HEARD:
        return f"lyric features: {row.features}"
    if row.confidence is None:
        return "no analysis"
    if row.confidence <= settings.minimum_confidence:
        return f"no analysis with a raw confidence above {settings.minimum_confidence}"
    return None


def _automatic(rows: Sequence[Row], settings: Dataset) -> Population:
    real, _ = eligible_rows([row for row in rows if not row.simulated], settings)
    return "real" if len(real) >= settings.minimum else "simulated"


def too_few(population: str, rated: int, eligible: int, dropped: dict[str, int], settings: Dataset) -> TooFew:
    """Says what is missing: ratings, or analyses and features of what is rated."""
    missing = f"{eligible} {population} tracks pass the filters, {rated} are rated; a dataset needs {settings.minimum}"
    if rated == 0:
        missing = f"no {population} track has a rating; a dataset needs {settings.minimum} rated tracks"
    if rated < settings.minimum:
        remedy = "bring ratings of your own tracks: `rap-platform ratings import FILE`; or materialize `ratings` with the simulated world on (RAP_WORLD=on)"
    else:
        remedy = "materialize `lyric_features` and `rule_based_analyses` for the rated tracks, then this asset again"
    return TooFew(population, eligible, missing, remedy, dropped)


def _strata(taken: Sequence[Row], labelled: Mapping[int, float]) -> dict[int, tuple[str, str, str]]:
    """Genre, era and label bin of each track: what both sides should have alike."""
    binned = splitting.bins(labelled)
    return {r.track_id: (r.genre or UNKNOWN, r.era, str(binned[r.track_id])) for r in taken}


def _rank(row: Row, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{row.identity}".encode()).hexdigest()


def _digest(taken: Sequence[Row], members: Sequence[Member], population: str, settings: Dataset) -> str:
    """The content as one hash: which songs, their texts, labels, sides and groups; no id of a database."""
    names = {row.track_id: row.identity for row in taken}
    lines = sorted(
        f"{names[m.track_id]}|{m.lyrics_sha256}|{m.label:.{LABEL_DECIMALS}f}|{m.split}|{m.group_key}" for m in members
    )
    head = f"{population}|{settings.seed}|{len(members)}"
    return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()
