"""Values as people write them in files: counts, lists of names, short texts; which column they stand in is decided in presets."""

import re
from collections.abc import Mapping
from typing import Any, Final

MOST_BYTES: Final = 10 * 1024 * 1024  # of one text
MOST_EXTRA_CHARACTERS: Final = 2000
MOST_VIEWS: Final = 1e15
YEARS: Final = range(1000, 2101)

_ESCAPED_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def parse_count(value: Any) -> int | None:
    """Read a number of views as people write them: 1200, "1,200", "8.7K", "1M"; None when there is none, or one past belief."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < MOST_VIEWS else None
    found = re.fullmatch(r"\s*(\d[\d,]{0,15}(?:\.\d{1,6})?)\s*([KMB]?)\s*", str(value), re.IGNORECASE)
    if not found:
        return None
    count = float(found[1].replace(",", "")) * {"": 1, "K": 1e3, "M": 1e6, "B": 1e9}[found[2].upper()]
    return round(count) if count < MOST_VIEWS else None


def parse_names(value: Any) -> list[str]:
    """Read a list of names: a JSON or Python list, a database array literal ({"A","B"}) or one name."""
    if isinstance(value, list | tuple):
        return [name for item in value if (name := plain(item))]
    text = str(value or "").strip()
    if text[:1] + text[-1:] in ("{}", "[]"):
        quoted = re.findall(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^,{}\[\]\"']+)", text[1:-1])
        names = [re.sub(r"\\+(.)", r"\1", a or b or c).strip() for a, b, c in quoted]
        return [name for name in names if name]
    return [text] if text else []


def parse_year(value: Any) -> int | None:
    """Read a year from 1000 to 2100, alone or at the head of a date; None for anything else."""
    found = re.match(r"\s*(\d{4})(?:\.0)?(?:\s*$|-\d)", "" if value is None else str(value))
    return int(found[1]) if found and int(found[1]) in YEARS else None


def plain(value: Any) -> str:
    """Give a name as one line of text: lists joined by commas, invisible characters and runs of blanks gone; "" for nothing."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("title") or ""
    if isinstance(value, list | tuple):
        value = ", ".join(plain(item) for item in value)
    text = "" if value is None or value != value else str(value)
    if text.startswith("['") and text.endswith("']"):
        text = ", ".join(parse_names(text))
    if not text.isascii():
        text = re.sub("[\u200b\u2060\ufeff]", "", text)
    return " ".join(text.split())


def short(value: Any) -> Any:
    """Give a value fit to be kept beside a song: finite, at most 2,000 characters, lists at most 50 long."""
    if isinstance(value, str):
        return value[:MOST_EXTRA_CHARACTERS]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, list | tuple):
        return [short(item) for item in value[:50]]
    return str(value)[:MOST_EXTRA_CHARACTERS]


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the names out of nested artists, guests and albums, and the views out of Genius' statistics."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found[key] = value.get("name") or value.get("title")
            if key == "stats" and "pageviews" in value:
                found["pageviews"] = value["pageviews"]
        elif isinstance(value, list):
            found[key] = [item.get("name") or item.get("title") if isinstance(item, dict) else item for item in value]
        else:
            found[key] = value
    return found


def has_escaped_nul(told: str) -> bool:
    """Say whether a JSON text holds a NUL, which PostgreSQL can't store; a backslash that is written out is none."""
    return "\\u0000" in told and _ESCAPED_NUL.search(told) is not None
