"""How well lines were rewritten: style by a judge, content, rhyme and variety, beside two references. No SQL, no model is trained here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from rap_platform.features.analysis import analyse
from rap_platform.training.finetuning.style.pairing import Encode
from rap_platform.training.finetuning.style.texts import Section, distinct_2, lines, wording

SOURCE: Final = 0
TARGET: Final = 1


@dataclass(frozen=True)
class Judge:
    """Tells two artists apart by TF-IDF over words and letters; `accuracy` is its own, on songs that it did not see (0.5 is chance)."""

    model: Any
    accuracy: float | None

    def share_of_target(self, texts: Sequence[str]) -> float | None:
        """The share of texts that it takes for the target's."""
        return float(np.mean(self.model.predict(list(texts)) == TARGET)) if texts else None


@dataclass(frozen=True)
class Measures:
    """One way of answering `lines` lines, measured.

    `style`: share that the judge takes for the target's. `content`: mean cosine to the source line by MiniLM. `end_rhyme` and
    `rhyme_density`: figures of the whole text (see features/); None where it is too short. `distinct_2`: variety. `copied`: share of
    lines whose wording is the source's.
    """

    name: str
    lines: int
    style: float | None
    content: float | None
    end_rhyme: float | None
    rhyme_density: float | None
    distinct_2: float | None
    copied: float


def judge(
    sources: Sequence[Section],
    targets: Sequence[Section],
    unseen: tuple[Sequence[Section], Sequence[Section]],
    seed: int,
) -> Judge:
    """A judge fitted on the sections of both artists, with its balanced accuracy on `unseen` ones. Raises ValueError for one artist alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.pipeline import make_pipeline, make_union

    texts, labels = _labelled(sources, targets)
    if len(set(labels)) < 2:
        raise ValueError("a judge of styles needs songs of both artists: one of them has too few")
    grams = make_union(
        TfidfVectorizer(sublinear_tf=True), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    )
    model = make_pipeline(
        grams, LogisticRegression(class_weight="balanced", max_iter=2000, C=10.0, random_state=seed)
    ).fit(texts, labels)
    seen, truth = _labelled(*unseen)
    accuracy = float(balanced_accuracy_score(truth, model.predict(seen))) if len(set(truth)) == 2 else None
    return Judge(model, accuracy)


def _labelled(sources: Sequence[Section], targets: Sequence[Section]) -> tuple[list[str], list[int]]:
    ours, theirs = [line.text for line in lines(sources)], [line.text for line in lines(targets)]
    return ours + theirs, [SOURCE] * len(ours) + [TARGET] * len(theirs)


def measure(name: str, sources: Sequence[str], outputs: Sequence[str], critic: Judge, encode: Encode) -> Measures:
    """Measure one answer per source line, both in the order of the song."""
    before, after = encode(list(sources)), encode(list(outputs))
    heard = analyse("\n".join(outputs))
    return Measures(
        name,
        len(outputs),
        critic.share_of_target(outputs),
        float(np.mean(np.sum(before * after, axis=1))),
        heard.end_rhyme_share,
        heard.rhyme_density,
        distinct_2(outputs),
        float(np.mean([wording(one) == wording(other) for one, other in zip(sources, outputs, strict=True)])),
    )


def compare(
    sources: Sequence[str],
    outputs: Sequence[str],
    target_lines: Sequence[str],
    critic: Judge,
    encode: Encode,
    seed: int,
) -> list[Measures]:
    """The outputs beside what anybody could do: copy the source (no style), or take any line of the target (no content)."""
    chosen = np.random.default_rng(seed).choice(len(target_lines), len(sources))
    answers = {
        "rewritten": outputs,
        "copy of the source": sources,
        "random line of the target": [target_lines[place] for place in chosen],
    }
    return [measure(name, sources, said, critic, encode) for name, said in answers.items()]
