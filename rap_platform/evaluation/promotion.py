"""Who holds the title champion: rules over figures alone. Moving the alias, storing and measuring are elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rap_platform.evaluation.metrics import Measure
from rap_platform.training.naming import MODEL_NAME as MODEL

Action = Literal["promoted", "kept", "lost", "vacant", "rolled back", "promoted by hand", "moved in MLflow"]
BY_HAND: tuple[Action, ...] = ("rolled back", "promoted by hand", "moved in MLflow")

# On fewer tracks that the incumbent did not learn from, two models can't be told apart.
LEAST_CLEAN_TRACKS = 40
LEAST_CLEAN_GROUPS = 10
# On fewer held-out groups a bootstrap interval is too narrow: where nothing differs it excludes zero on the good side in one case of
# seven with three groups and always or never with one, instead of one in forty.
LEAST_GROUPS = 10


@dataclass(frozen=True)
class Contender:
    """A version of the model with what it learned from."""

    version: str
    population: str
    simulated: bool


@dataclass(frozen=True)
class Duel:
    """What an incumbent is worth on the held-out tracks of a new evaluation; `clean` tracks it never learned from.

    `against_challenger` is the challenger's MAE minus the incumbent's on clean tracks, None when they are too few.
    `against_baseline` is the incumbent's MAE minus the best baseline's: on clean tracks, or on all of them, which flatters the
    incumbent, when the clean ones are too few. `unusable` says why it could not be asked at all; then there are no figures.
    """

    clean_tracks: int = 0
    clean_groups: int = 0
    against_challenger: Measure | None = None
    against_baseline: Measure | None = None
    unusable: str | None = None

    @property
    def too_few(self) -> bool:
        """Whether the clean tracks can't decide between two models."""
        return not enough(self.clean_tracks, self.clean_groups)

    @property
    def worth_its_title(self) -> bool:
        """Whether the incumbent still beats the best baseline."""
        gap = self.against_baseline
        return self.unusable is None and gap is not None and gap.high is not None and gap.high < 0


@dataclass(frozen=True)
class Past:
    """A stored decision, as far as later ones need it."""

    action: Action
    version: str | None
    previous: str | None
    judged: str | None
    reason: str


@dataclass(frozen=True)
class Decision:
    """Who holds the title from now on (None: nobody), what happened, and why."""

    action: Action
    holder: str | None
    reason: str


def enough(tracks: int, groups: int) -> bool:
    """Whether so many tracks of so many groups can decide between two models."""
    return tracks >= LEAST_CLEAN_TRACKS and groups >= LEAST_CLEAN_GROUPS


def judge(entries: Mapping[str, Mapping[str, Any]], best: str | None, groups: int) -> dict[str, Any]:
    """Whether the quality model beats the best baseline on `groups` held-out groups, and the sentence that says so: {"promote", "reason"}."""
    model = entries.get(MODEL)
    if model is None or "mae" not in model:
        return {"promote": False, "reason": "there is no quality model of this dataset"}
    if best is None:
        return {"promote": False, "reason": "no baseline covers every track"}
    if model["failed"]:
        return {"promote": False, "reason": f"it fails on {model['failed']} tracks"}
    gap = model["vs_best_baseline"]
    shown = f"its MAE {model['mae']['value']:.3f} differs from that of the best baseline, {best} {entries[best]['mae']['value']:.3f}, by "
    shown += figure(Measure(gap["value"], gap["low"], gap["high"]))
    if gap["high"] is None or gap["low"] is None:
        return {"promote": False, "reason": f"{shown}: there is no interval"}
    if groups < LEAST_GROUPS:
        few = f"the held-out tracks are of {groups} groups of artists, fewer than the {LEAST_GROUPS} that an interval needs"
        return {"promote": False, "reason": f"{shown}: {few}"}
    if gap["high"] < 0:
        return {"promote": True, "reason": f"{shown}: better, the interval excludes zero"}
    if gap["low"] > 0:
        return {"promote": False, "reason": f"{shown}: worse"}
    return {"promote": False, "reason": f"{shown}: the interval includes zero"}


def needs_duel(challenger: Contender, incumbent: Contender | None, barred: Mapping[str, str]) -> bool:
    """Whether the rules compare the challenger with the incumbent."""
    return (
        incumbent is not None
        and incumbent.version != challenger.version
        and challenger.version not in barred
        and incumbent.population == challenger.population
    )


def decide(
    challenger: Contender,
    verdict: Mapping[str, Any],
    incumbent: Contender | None,
    duel: Duel | None,
    barred: Mapping[str, str],
) -> Decision:
    """The rules. `verdict` is that of `judge`; `duel` is given when `needs_duel` says so; `barred` versions with why.

    1. Who is barred (rolled back by a person) is not promoted. 2. A simulated model never takes the title from a real one, and a
    real evaluation takes it from a simulated one. 3. A title needs a paired difference to the best baseline that excludes zero,
    and it is lost when that is no longer so. 4. An incumbent of the same population that is worth its title yields only to a paired
    difference on clean tracks that excludes zero.
    """
    better, why = bool(verdict["promote"]), str(verdict["reason"])
    if incumbent is not None and incumbent.version == challenger.version:
        return Decision("kept", incumbent.version, why) if better else Decision("lost", None, why)
    if challenger.version in barred:
        kept = Decision("kept", None if incumbent is None else incumbent.version, barred[challenger.version])
        return kept if incumbent is not None else Decision("vacant", None, kept.reason)
    if incumbent is None:
        return Decision("promoted", challenger.version, why) if better else Decision("vacant", None, why)
    if challenger.simulated and not incumbent.simulated:
        reason = f"version {incumbent.version} learned from real ratings; what learned from simulated ones does not take its title"
        return Decision("kept", incumbent.version, reason)
    if incumbent.population != challenger.population:
        lost = f"version {incumbent.version} learned from {incumbent.population} ratings, and {challenger.population} ones judge now"
        return (
            Decision("promoted", challenger.version, f"{why}; {lost}")
            if better
            else Decision("lost", None, f"{lost}; {why}")
        )
    if duel is None:
        raise ValueError(f"version {incumbent.version} holds the title and was not asked: a duel is needed to decide")
    return _between(challenger.version, incumbent.version, better, why, duel)


def _between(challenger: str, incumbent: str, better: bool, why: str, duel: Duel) -> Decision:
    if not duel.worth_its_title:
        fallen = f"version {incumbent} {_fall(duel)}"
        return (
            Decision("promoted", challenger, f"{why}; {fallen}")
            if better
            else Decision("lost", None, f"{fallen}; of version {challenger}: {why}")
        )
    if not better:
        return Decision("kept", incumbent, f"of version {challenger}: {why}")
    if duel.too_few or duel.against_challenger is None:
        clean = (
            f"only {duel.clean_tracks} held-out tracks of {duel.clean_groups} groups are new to version {incumbent}, "
            f"{LEAST_CLEAN_TRACKS} of {LEAST_CLEAN_GROUPS} are needed to tell the two apart"
        )
        return Decision("kept", incumbent, clean)
    gap = duel.against_challenger
    shown = f"on {duel.clean_tracks} tracks that neither learned from, version {challenger} differs from version {incumbent} by {figure(gap)}"
    if gap.high is not None and gap.high < 0:
        return Decision("promoted", challenger, f"{why}; {shown}: better, the interval excludes zero")
    return Decision("kept", incumbent, f"{shown}: not better beyond doubt")


def _fall(duel: Duel) -> str:
    if duel.unusable is not None:
        return f"cannot be asked any more: {duel.unusable}"
    gap = Measure(None) if duel.against_baseline is None else duel.against_baseline
    on = (
        f"{duel.clean_tracks} tracks that it did not learn from"
        if not duel.too_few
        else "all held-out tracks, though it learned from some of them"
    )
    return f"no longer beats the best baseline: {figure(gap)} on {on}"


def barred(history: Iterable[Past]) -> dict[str, str]:
    """Versions that a person took the title from, with why; who was promoted by hand since is free again. `history` oldest first."""
    found: dict[str, str] = {}
    for past in history:
        if past.action in BY_HAND and past.version is not None:
            found.pop(past.version, None)
        if past.action in ("rolled back", "moved in MLflow") and past.previous is not None:
            found[past.previous] = (
                f"a person took the title from version {past.previous} ({past.reason}); "
                f"`rap-platform champion promote {past.previous}` gives it back"
            )
    return found


def predecessor(history: list[Past], holder: str | None, existing: Iterable[str]) -> str | None:
    """Who a rollback gives the title to: the last holder before the present one that still exists and is not barred."""
    out, there = barred(history), set(existing)
    for past in reversed(history):
        if past.version is not None and past.version != holder and past.version in there and past.version not in out:
            return past.version
    return None


def figure(measure: Measure) -> str:
    """A signed difference with its interval in words."""
    if measure.value is None:
        return "nothing that can be measured"
    if measure.low is None or measure.high is None:
        return f"{measure.value:+.3f}"
    return f"{measure.value:+.3f} ({measure.low:+.3f} to {measure.high:+.3f})"
