"""What sites leave in lyrics is taken out, line breaks stay, and texts that are no lyrics are told apart; no database here."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rap_platform.lyrics.identity import parse_title
from rap_platform.lyrics.sections import header_of, kind_of

CLEANER_VERSION: Final = "2"

ONE_LINE_WORDS = 60  # more words than this on a single line: the line breaks were lost
PROSE_WORDS_PER_LINE = 40
PASSES = 12
EMBED_CHARACTERS = 120  # of the end are looked at: a search from every place of a long text takes too long

_BREAKS = re.compile("\r\n|[\r\u2028\u2029\x85\x0b\x0c]")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad\u180e\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_JOINERS = re.compile("(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])")
_SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BR_TAG = re.compile(r"<br\s*/?>[ \t]*", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:amp|quot|apos|lt|gt|nbsp|rsquo|lsquo|ldquo|rdquo|hellip|ndash|mdash|#\d{2,5}|#x[0-9a-fA-F]{2,5});"
)
_MIXED_WORD = re.compile("[^\\W\\d_]+")

_CONTRIBUTORS = re.compile(r"\A\s*\d[\d.,]*[KM]?\s*Contributors?(?![a-z])[^\n]*")
_TITLE_GLUED = re.compile(r"\A[^\n\[]{1,240}?(?<=\S)[ ]Lyrics(?=\[|[A-Z\"'“‘(])")
_TITLE_LINE = re.compile(r"\A[^\n\[]{1,240}?(?<=\S)[ ]Lyrics[ ]*\n\s*(?=\[)")
_READ_MORE = re.compile(r"\A[^\n\[]{0,3000}?(?:…|\.\.\.|\xa0| )\s*Read More[ ]*\n?")
_EMBED = re.compile(
    r"(?:\A|\n|(?<=(?P<before>\S)))[ ]*(?P<count>\d[\d.,]*[KM]?)?Embed(?:Share(?: URL)?(?: ?Copy)?Embed(?: ?Copy)?)?\s*\Z"
)
_ALSO_LIKE_LINE = re.compile(
    r"^You might also like[ ]*\n|\n[ ]*You might also like[ ]*\Z|\AYou might also like[ ]*\Z", re.MULTILINE
)
_ALSO_LIKE_GLUED = re.compile(r"(?P<glued>(?<=\S))?(?<![A-Za-z] )You might also like(?=\[|\n|\Z|[A-Z\"“(])")
_TICKETS = re.compile(
    r"(?P<glued>(?<=\S))?(?P<line>^)?See [^\n]{1,120}? Live[ ]*+\n?[ ]*+Get tickets as low as \$\d[\d,.]*", re.MULTILINE
)
_REPEATED_HEADER = re.compile(
    r"^(?P<header>\[(?P<label>[^\[\]\n]{1,200})\])(?P<again>(?:\n+(?P=header)(?=\n|\Z))++)", re.MULTILINE
)
_TRAILING_SPACE = re.compile(r"(?<! ) +$|^ +", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")

_CYRILLIC = dict(zip("аеорсухіјѕԁһɡԛԝАВЕКМНОРСТХУІЈЅ", "aeopcyxijsdhgqwABEKMHOPCTXYIJS", strict=True))
_GREEK = dict(zip("οανιρκτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oavipktABEZHIKMNOPTYX", strict=True))
_LOOKALIKES: Final = _CYRILLIC | _GREEK
_LOOKALIKE_LETTERS: Final = frozenset(_LOOKALIKES)

_UNRELEASED = re.compile(
    r"lyrics (?:for this song )?(?:have|will be|are) (?:yet|available|not) .{0,40}released|check back once the song has been released",
    re.I,
)
_INSTRUMENTAL = re.compile(r"\A[\[(]?\s*(?:this song is an? )?instrumental\s*[\])]?\.?\Z", re.I)
_MARKUP = re.compile(r"\A\s*(?:<!doctype|<html|<\?xml)|<script\b|<div\b", re.I)
_CHALLENGE = re.compile(r"\A\s*(?:Just a moment|Attention Required|Verify(?:ing)? you are human|Access denied)", re.I)
_SPEAKER = re.compile(r"^(?P<who>[A-Z][\w .'’&-]{0,30}):\s+\S")
_LISTED = re.compile(
    r"^(?:\d{1,3}[.)]\s+\S|(?:track )?\d{1,2}\s?[-–—:]\s?[^\W\d]|.{0,300}\b\d{1,2}(?:\.\d)?\s?/\s?10\b|.{1,300}[\s(]\d{1,2}:[0-5]\d\)?$)",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"^(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s\d{1,2}(?:st|nd|rd|th)?\b\s?[-–—:]"
    r"|\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?\s?[-–—:]?\s)",
    re.IGNORECASE,
)
_TRANSLATED = re.compile(
    r"^(?:translat(?:ed|ion|or)|traduc|traduz|traduit|übersetz|ubersetz|çeviri|ceviri|romani[sz]|перев[оё]д)",
    re.IGNORECASE,
)
_SKIT = re.compile(
    r"^skits?(?:\s*(?:#|no\.?|pt\.?|part)?\s*(?:\d+|[ivx]+))?$"
    r"|^skits?\s*#?\d*\s*[:–—-]\s"
    r"|[(\[](?:[^()\[\]]*\s)?skit(?:\s*#?\s*\d+)?[)\]]$"
    r"|\s[-–—:]\s(?:[^-–—:]*\s)?skit(?:\s*#?\s*\d+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text, how often each rule fired, and the verdict: None, or why this is no lyrics."""

    text: str
    counts: dict[str, int]
    verdict: str | None


def clean(text: str) -> Cleaned:
    """Take site furniture, look-alike letters and odd spaces out of `text`; lines are never joined.

    Cleaning a cleaned text changes nothing. `verdict` is None for lyrics, else one of: empty, no_letters, markup,
    instrumental, unreleased, no_line_breaks, interview, credits, list, calendar, prose. Length alone condemns nothing.
    """
    counts: Counter[str] = Counter()
    for _ in range(PASSES):
        before = text
        for name, rule in RULES.items():
            text, fired = rule(text)
            counts[name] += fired
        if text == before:
            break
    return Cleaned(text, {name: count for name, count in counts.items() if count}, judge(text))


def judge(text: str) -> str | None:
    """Say why a cleaned text is no lyrics, or None when it may be lyrics."""
    if not text.strip():
        return "empty"
    if _INSTRUMENTAL.match(text):
        return "instrumental"
    if len(text) < 400 and _UNRELEASED.search(text):
        return "unreleased"
    if _MARKUP.search(text) or _CHALLENGE.match(text):
        return "markup"
    lines = [line for line in text.split("\n") if line]
    sung = [line for line in lines if not (line.startswith("[") and line.endswith("]"))]
    if not any(character.isalpha() for line in sung for character in line):
        return "no_letters"
    words = [len(line.split()) for line in sung]
    if len(sung) == 1:
        return "no_line_breaks" if words[0] > ONE_LINE_WORDS else None
    return _judge_lines(sung, words)


def is_skit(title: str) -> bool:
    """Say whether a title says that the track is a skit: "Bus Stop (Skit)", "Bus Stop - Skit", "Skit 2"; "Skitzo" is a song."""
    return bool(_SKIT.search(parse_title(title).base.strip()))


def _judge_lines(sung: list[str], words: list[int]) -> str | None:
    mean = sum(words) / len(words)
    speakers = Counter(found.group("who") for line in sung if (found := _SPEAKER.match(line)))
    turns = sum(speakers.values())
    share = turns / len(sung)
    dialogue = turns >= 6 and max(speakers.values()) >= 3 and len(speakers) <= turns / 2
    if dialogue and ((share >= 0.3 and mean >= 14) or (share >= 0.7 and _is_questioned(sung))):
        return "interview"
    if (
        len(sung) <= 12
        and all(_TRANSLATED.match(line) or _SPEAKER.match(line) for line in sung)
        and any(map(_TRANSLATED.match, sung))
    ):
        return "credits"
    if len(sung) >= 6 and sum(bool(_DATED.match(line)) for line in sung) >= 0.5 * len(sung):
        return "calendar"
    if len(sung) >= 10 and sum(bool(_LISTED.match(line)) for line in sung) >= 0.5 * len(sung):
        return "list"
    if turns >= 6 and share >= 0.8 and max(speakers.values()) == 1 and mean < 9:
        return "credits"
    if sorted(words)[len(words) // 2] >= PROSE_WORDS_PER_LINE and mean >= PROSE_WORDS_PER_LINE:
        return "prose"
    return None


def _is_questioned(sung: list[str]) -> bool:
    """Say whether some speaker mostly asks."""
    asked, spoken = Counter[str](), Counter[str]()
    for line in sung:
        if found := _SPEAKER.match(line):
            spoken[found.group("who")] += 1
            asked[found.group("who")] += line.rstrip().endswith("?")
    return any(asked[who] >= 3 and asked[who] >= 0.6 * turns for who, turns in spoken.items())


def _replacing(pattern: re.Pattern[str], replacement: str) -> Callable[[str], tuple[str, int]]:
    return lambda text: pattern.subn(replacement, text)


def _foreign(pattern: re.Pattern[str], replacement: str) -> Callable[[str], tuple[str, int]]:
    """As `_replacing`, for patterns that plain ASCII text can't match."""
    return lambda text: (text, 0) if text.isascii() else pattern.subn(replacement, text)


def _holding(mark: str, rule: Callable[[str], tuple[str, int]]) -> Callable[[str], tuple[str, int]]:
    """Let a rule look only at texts that hold `mark`: most don't, and looking is slow."""
    return lambda text: rule(text) if mark in text else (text, 0)


def _compose(text: str) -> tuple[str, int]:
    composed = unicodedata.normalize("NFC", text)
    return composed, int(composed != text)


def _entities(text: str) -> tuple[str, int]:
    return _ENTITY.subn(lambda found: html.unescape(found.group()), text)


def _lookalikes(text: str) -> tuple[str, int]:
    """Fold Cyrillic and Greek look-alikes, in words that have Latin letters too and no other foreign letter."""
    if text.isascii() or _LOOKALIKE_LETTERS.isdisjoint(text):
        return text, 0
    fired = 0

    def _fold(found: re.Match[str]) -> str:
        nonlocal fired
        word = found.group()
        if word.isascii() or not any(letter in _LOOKALIKES for letter in word):
            return word
        foreign = [
            letter
            for letter in word
            if ord(letter) > 0x24F and letter.isalpha() and not 0x1E00 <= ord(letter) <= 0x1EFF
        ]
        latin = len(word) - len(foreign)
        if latin < 1 or latin < len(foreign) or any(letter not in _LOOKALIKES for letter in foreign):
            return word
        fired += 1
        return "".join(_LOOKALIKES.get(letter, letter) for letter in word)

    return _MIXED_WORD.sub(_fold, text), fired


def _contributors(text: str) -> tuple[str, int]:
    """Cut "12 ContributorsTranslations…Title Lyrics" and the blurb that ends in "Read More"."""
    found = _CONTRIBUTORS.match(text)
    if not found:
        return text, 0
    line = found.group()
    ends = [mark.end() for mark in re.finditer(r"Lyrics", line)]
    if not ends:
        rest = (
            ""
            if re.fullmatch(r"\s*[\d.,KM]+\s*Contributors?\s*", line)
            else re.sub(r"\A\s*[\d.,KM]+\s*Contributors?", "", line)
        )
        return (rest + text[found.end() :]).lstrip("\n"), 1
    last = len(line.rstrip())
    exact = [end for end in ends if end >= last or line[end] == "["]
    cut = exact[-1] if exact else ends[0]
    return _READ_MORE.sub("", text[cut:].lstrip(" \n")), 1


def _title(text: str) -> tuple[str, int]:
    """Cut a leading "Title Lyrics" when a header or a glued line follows."""
    shorter, fired = _TITLE_GLUED.subn("", text, count=1)
    return (shorter, fired) if fired else _TITLE_LINE.subn("", text, count=1)


def _embed(text: str) -> tuple[str, int]:
    """Cut the last "12Embed"; digits that belong to the line ("in 1992Embed") stay."""
    found = _EMBED.search(text, max(0, len(text.rstrip()) - EMBED_CHARACTERS))
    if not found:
        return text, 0
    kept = ""
    count, before = found.group("count"), _text_before(text, found)
    if count and before in (" ", ""):
        on_own_line = not text[: found.start()].strip() or text[found.start()] == "\n"
        year = re.match(r"(?:19|20)\d\d", count)
        kept = "" if on_own_line else year.group() if year else count
    return text[: found.start()].rstrip() + (" " + kept if kept else ""), 1


def _text_before(text: str, found: re.Match[str]) -> str:
    start = found.start("count")
    return text[start - 1 : start] if start > 0 else ""


def _also_like(text: str) -> tuple[str, int]:
    text, lines = _ALSO_LIKE_LINE.subn("", text)
    text, glued = _ALSO_LIKE_GLUED.subn(
        lambda found: "\n" if found.start() and text[found.start() - 1] != "\n" else "", text
    )
    return text, lines + glued


def _tickets(text: str) -> tuple[str, int]:
    return _TICKETS.subn(lambda found: "\n" if found.start() and text[found.start() - 1] != "\n" else "", text)


def _repeated_headers(text: str) -> tuple[str, int]:
    """Keep one of several equal headers in a row; a sound in brackets that comes twice is sung twice."""
    fired = 0

    def _one(found: re.Match[str]) -> str:
        nonlocal fired
        label = found.group("label").strip()
        if header_of(found.group("header")) is None or kind_of(label) == "other":
            return found.group()
        fired += 1
        return found.group("header")

    return _REPEATED_HEADER.sub(_one, text), fired


def _outer_spaces(text: str) -> tuple[str, int]:
    if " \n" not in text and "\n " not in text and text == text.strip(" "):
        return text, 0
    return _TRAILING_SPACE.subn("", text)


def _outer_blank(text: str) -> tuple[str, int]:
    stripped = text.strip(" \n")
    return stripped, int(stripped != text)


RULES: Final[dict[str, Callable[[str], tuple[str, int]]]] = {
    "line_endings": _replacing(_BREAKS, "\n"),
    "break_tags": _replacing(_BR_TAG, "\n"),
    "entities": _holding("&", _entities),
    "invisible_characters": _foreign(_INVISIBLE, ""),
    "joiners": _foreign(_JOINERS, ""),
    "exotic_spaces": _replacing(_SPACES, " "),
    "control_characters": _replacing(_CONTROLS, ""),
    "composed": _compose,
    "lookalike_letters": _lookalikes,
    "contributors_header": _contributors,
    "title_header": _title,
    "tickets": _holding("tickets as low as", _tickets),
    "also_like": _holding("You might also like", _also_like),
    "embed": _holding("Embed", _embed),
    "repeated_headers": _holding("]\n", _repeated_headers),
    "outer_spaces": _outer_spaces,
    "blank_lines": _replacing(_BLANK_LINES, "\n\n"),
    "outer_blank": _outer_blank,
}
