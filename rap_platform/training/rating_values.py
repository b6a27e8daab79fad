"""Marks as people write them, the scale they are on, and what they are on ours (1 to 10); whose and of what is read elsewhere."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from rap_platform.lyrics.values import plain

LEAST_TO_RECOGNISE: Final = 30  # marks, both ends of the scale among them
RANKED: Final = "points"
KNOWN: Final = ((1.0, 5.0), (0.0, 5.0), (1.0, 10.0), (0.0, 10.0), (0.0, 20.0), (0.0, 100.0))
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)")
_RANGE: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:-|–|to|\.\.)\s*(-?\d+(?:\.\d+)?)\s*", re.IGNORECASE)
_OF: Final = re.compile(r"(?P<value>[^/%]+?)\s*(?:/|out of|of)\s*(?P<high>\d+(?:\.\d+)?)", re.IGNORECASE)
_IN_HEADER: Final = re.compile(
    r"(?<!\d)(?P<low>\d{1,3})\s*(?:-|–|_|to|_to_)\s*(?P<high>\d{1,3})(?!\d)|(?:out[ _]of|/)[ _]?(?P<top>\d{1,3})(?!\d)",
    re.IGNORECASE,
)
_PERCENT: Final = re.compile(r"percent|pct|%", re.IGNORECASE)


class ScaleUnknown(Exception):
    """The values don't say which scale they are on; the message says what they show and what to do."""


@dataclass(frozen=True)
class Scale:
    """The ends of a scale; without ends it is points, of which only the order counts. `why` says how it is known."""

    low: float | None
    high: float | None
    why: str

    @property
    def name(self) -> str:
        """As --scale takes it: 0-100."""
        return RANKED if self.low is None or self.high is None else f"{self.low:g}-{self.high:g}"

    @property
    def conversion(self) -> str:
        """What was done to a mark, in words that give it back."""
        if self.low is None or self.high is None:
            return "1 + 9 x percentile rank among the file's songs (no upper end is known; only the order is kept)"
        if (self.low, self.high) == (1, 10):
            return "none"
        return f"1 + 9 x (value - {self.low:g}) / {self.high - self.low:g}"

    def convert(self, values: Sequence[float]) -> list[float | None]:
        """Marks on 1 to 10; None for one that is out of range. Points become percentile ranks, equal points share theirs."""
        if self.low is None or self.high is None:
            return list(_percentiles(values))
        width = self.high - self.low
        return [1 + 9 * (value - self.low) / width if self.low <= value <= self.high else None for value in values]


@dataclass(frozen=True)
class Mark:
    """A mark as written: its value, and the scale that is written beside it ("85 %", "4/5")."""

    value: float
    high: float | None = None


def parse_scale(text: str) -> Scale:
    """Read what --scale says: LOW-HIGH, percent or points. Raises ScaleUnknown."""
    told = text.strip().casefold()
    if told in ("percent", "%"):
        return Scale(0, 100, "as told")
    if told == RANKED:
        return Scale(None, None, "as told")
    found = _RANGE.fullmatch(told)
    if not found or float(found[1]) >= float(found[2]):
        raise ScaleUnknown(
            f"--scale {text}: write LOW-HIGH, e.g. 1-5 or 0-100; or percent; or {RANKED} for points without an end"
        )
    return Scale(float(found[1]), float(found[2]), "as told")


def parse_mark(value: Any) -> Mark | None:
    """Read a mark: 7, "7,5", "85 %", "4/5", "8 out of 10"; None for what is no mark."""
    if isinstance(value, bool):
        return None
    text = plain(value)
    if found := _OF.fullmatch(text):
        number = _number(found["value"])
        return None if number is None or float(found["high"]) <= 0 else Mark(number, float(found["high"]))
    if text.endswith("%"):
        number = _number(text[:-1])
        return None if number is None else Mark(number, 100.0)
    number = _number(text)
    return None if number is None else Mark(number)


def is_blank(value: Any) -> bool:
    """Say whether a cell says that there is no mark."""
    return plain(value).casefold() in ("", "na", "n/a", "nan", "null", "none", "-", "–", "?")


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def scale_of(header: str, marks: Sequence[Mark]) -> Scale:
    """Recognise the scale from what stands beside the marks or in the header, else from values that use both its ends.

    Raises ScaleUnknown where neither settles it: several scales fit, or too few marks show the ends.
    """
    beside = {mark.high for mark in marks}
    if len(beside) == 1 and (high := beside.pop()) is not None:
        return Scale(0.0, high, f"written beside the marks: out of {high:g}")
    if len(beside) > 1:
        raise ScaleUnknown(f"marks on several scales in {header!r}; give each scale a file of its own")
    if _PERCENT.search(header):
        return Scale(0.0, 100.0, f"the header says {header!r}")
    if found := _IN_HEADER.search(header):
        low, high = (float(found["low"]), float(found["high"])) if found["top"] is None else (0.0, float(found["top"]))
        if low < high:
            return Scale(low, high, f"the header says {header!r}")
    values = [mark.value for mark in marks]
    if not values:
        raise ScaleUnknown(f"no marks in {header!r}")
    ends = (min(values), max(values))
    if ends in KNOWN and len(values) >= LEAST_TO_RECOGNISE:
        return Scale(*ends, f"both ends of {ends[0]:g}-{ends[1]:g} occur among {len(values)} marks")
    fitting = [f"{low:g}-{high:g}" for low, high in KNOWN if low <= ends[0] and ends[1] <= high]
    raise ScaleUnknown(
        f"the marks in {header!r} lie between {ends[0]:g} and {ends[1]:g}, which does not say what the scale is "
        f"({', '.join(fitting) + ' would fit' if fitting else 'no usual scale fits'}): say it with --scale LOW-HIGH, "
        f"e.g. --scale {fitting[0] if fitting else '0-100'}; or --scale {RANKED} for points without an upper end"
    )


def _percentiles(values: Sequence[float]) -> list[float]:
    """1 + 9 x (rank - 1/2) / n, where equal values share the mean of their ranks."""
    if not values:
        return []
    array = np.asarray(values, dtype=float)
    ordered = np.sort(array)
    ranks = (np.searchsorted(ordered, array, "left") + np.searchsorted(ordered, array, "right")) / 2
    return [float(value) for value in 1 + 9 * ranks / len(array)]


def parse_time(value: Any) -> dt.datetime | None:
    """Read a day or a time in ISO 8601, or seconds since 1970; UTC where no zone is given. Raises ValueError for anything else."""
    if is_blank(value):
        return None
    text = plain(value)
    if re.fullmatch(r"\d{9,11}(?:\.\d+)?", text):
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
