"""Who and what a song is by name: normalised artists and titles, slugs, features and versions; texts are compared elsewhere."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

MOST_CHARACTERS = 500  # of a name; what is longer is no name, and can't be looked up

_WORDS_OF_VERSION = (
    r"remix|re-?mix|live|remaster(?:ed)?|acoustic|demo|radio edit|edit|version|instrumental|extended|clean|explicit|"
    r"bonus track|freestyle version|mix|mono|stereo|unplugged|a ?cappella|sped up|slowed(?: ?(?:and|\+|&) ?reverb)?|re-?up(?:load)?|"
    r"ремикс|акустика|концертная версия|remezcla|en vivo|ao vivo|en directo"
)
_FEATURE = re.compile(
    r"\s*[(\[]\s*(?:(?:feat\.?|ft\.?|featuring|with|при уч(?:\.|астии))\s+|[fw]/\s*)(?P<inside>[^)\]]+)[)\]]"
    r"|\s+(?:(?:feat\.?|ft\.?|featuring)\s+|[fw]/\s*)(?P<plain>[^()\[\]]+?)(?=\s*(?:[(\[]|\s-\s|$))",
    re.IGNORECASE,
)
_VERSION = re.compile(
    rf"\s*[(\[](?P<inside>[^)\]]*\b(?:{_WORDS_OF_VERSION})\b[^)\]]*)[)\]]\s*$"
    rf"|\s+[-–—]\s+(?P<dash>[^-–—]*\b(?:{_WORDS_OF_VERSION})\b[^-–—]*)$",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"\s*(?:,|;|&|\band\b|\bwith\b|\bfeat\.?(?=\s)|\bft\.?(?=\s)|(?<=\s)[fw]/|(?<=\s)(?-i:x|×)(?=\s))\s*", re.IGNORECASE
)
_TRANSLATORS = re.compile(
    r"^genius\s+.*(?:translation|traduc|traduzion|übersetz|ubersetz|çeviri|ceviri|romaniz|переводы|ترجم|翻訳|翻译|번역)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Title:
    """A title taken apart: `base` without guests and version, the version as written (or None), the guests."""

    base: str
    version: str | None
    featured: tuple[str, ...]


def normalise(name: str) -> str:
    """Give the form under which names are compared; never empty unless `name` is blank.

    Case, Latin accents, apostrophes and punctuation don't count; "&" is "and", "$" inside a word is "s". Other
    scripts keep their letters. A name of punctuation alone ("!!!") stays as it is.
    """
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    text = re.sub(r"(?<=\w)\$|\$(?=\w)", "s", text)
    text = re.sub(r"\s*&\s*|\s*\+\s*", " and ", text)
    text = _without_latin_accents(text)
    text = re.sub(r"[.'’‘`´ʼ]", "", text)
    text = re.sub(r"[^\w]+|_", " ", text)
    text = " ".join(text.split())
    return text or " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def slug(name: str) -> str:
    """Give a partition key and file name for `name`: lower case, hyphens, at most 80 characters, never empty."""
    key = re.sub(r"[^\w]+", "-", normalise(name)).strip("-_")
    if not key:
        return f"name-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
    if len(key) > 80:
        return f"{key[:69].rstrip('-')}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
    return key


def parse_title(title: str) -> Title:
    """Take guests and version marks off a title: "Sky (feat. B & C) - Live" is Sky, Live, (B, C); at most 500 characters are read."""
    title, featured = title[:MOST_CHARACTERS], list[str]()

    def _collect(found: re.Match[str]) -> str:
        featured.extend(split_names(found.group("inside") or found.group("plain") or ""))
        return ""

    base = _FEATURE.sub(_collect, title).strip()
    versions: list[str] = []
    while (found := _VERSION.search(base)) and found.start() > 0:
        versions.insert(0, (found.group("inside") or found.group("dash") or "").strip())
        base = base[: found.start()].strip()
    return Title(base or title.strip(), ", ".join(versions) or None, tuple(dict.fromkeys(featured)))


def normalise_title(title: str) -> str:
    """Give the normalised title without guests and version; never empty unless `title` is blank."""
    return normalise(parse_title(title).base)


def split_names(names: str) -> list[str]:
    """Split "A, B & C" and "A x B" into its names; "Malcolm X" is one."""
    names = " ".join(names.split())
    return [part.strip() for part in _NAMES.split(names) if part.strip()]


def same_artist(one: str, other: str) -> bool:
    """Say whether two spellings name the same artist, or one of them names the other first ("A & B" is A's)."""
    squashed = {_squash(one), _squash(other)}
    if len(squashed) == 1:
        return True
    heads = ({_squash(one)} | {_squash(part) for part in split_names(one)[:1]}) & (
        {_squash(other)} | {_squash(part) for part in split_names(other)[:1]}
    )
    return bool(heads)


def same_title(one: str, other: str) -> bool:
    """Say whether two titles name the same song and the same version of it."""
    left, right = parse_title(one), parse_title(other)
    return _squash(left.base) == _squash(right.base) and _squash(left.version or "") == _squash(right.version or "")


def is_translation_account(artist: str) -> bool:
    """Say whether an artist is one of Genius' accounts for translations; Perfume Genius is not."""
    return bool(_TRANSLATORS.search(artist.strip()))


def slot_of(source: str, source_id: str) -> int:
    """Give the stable place 0..1023 of a song, by which work is spread."""
    return int.from_bytes(hashlib.sha256(f"{source}:{source_id}".encode()).digest()[:2], "big") % 1024


def _squash(name: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"^the ", "", normalise(name)))


def _without_latin_accents(text: str) -> str:
    kept: list[str] = []
    base_is_latin = False
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            if base_is_latin:
                continue
        else:
            base_is_latin = "a" <= character <= "z"
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))
