"""A song page becomes text with its line breaks; cleaning the text and storing it happen elsewhere."""

import html
import json
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PreformattedString
from bs4.filter import SoupStrainer

PARSER_VERSION: Final = "2"  # raise it when the same page is read differently: every stored page is then read again

PageStatus = Literal["ok", "missing", "instrumental", "unreleased", "blocked", "failed"]

_BLOCKS: Final = frozenset(
    {"div", "p", "section", "article", "ul", "ol", "li", "h1", "h2", "h3", "h4", "blockquote", "tr", "table"}
)
_SILENT: Final = frozenset(
    {"script", "style", "noscript", "template", "button", "svg", "iframe", "img", "form", "input", "select"}
)
_FURNITURE: Final = (
    "LyricsHeader",
    "InreadContainer",
    "SidebarAd",
    "PrimisPlayer",
    "Lyrics__Footer",
    "LyricsFooter",
    "RecommendedSongs",
)
_PLACEHOLDER: Final = "LyricsPlaceholder"
_STATE: Final = re.compile(r"window\.__PRELOADED_STATE__\s*=\s*JSON\.parse\(\s*'")
_STATE_PLAIN: Final = re.compile(r"window\.__PRELOADED_STATE__\s*=\s*(?=\{)")
_TITLE: Final = re.compile(
    r"<title[^>]*>\s*(?P<artist>[^<]{1,200}?) – (?P<title>[^<]{1,300}?) Lyrics(?: \||</title>)", re.I
)
_UNRELEASED: Final = re.compile(
    r"\A\W*lyrics (?:for this song )?(?:have yet to be|will be|are not yet|are yet to be) \w[^\n]{0,200}\Z|\A\W*lyrics coming soon\W*\Z",
    re.I,
)
_INSTRUMENTAL: Final = re.compile(r"\A\W*(?:this song is an? )?instrumental\W*\Z", re.I)
_GONE: Final = re.compile(r"<title[^>]*>\s*burrr!|oops!\s*page not found|<h1[^>]*>\s*(?:oops|page not found)", re.I)
_LOGIN: Final = re.compile(r"""<input[^>]{1,200}type=["']?password""", re.I)
_CAPTCHA: Final = re.compile(
    r"captcha|just a moment|are (?:you )?(?:a )?human|unusual traffic|automated requests|access denied|attention required",
    re.I,
)
_CONSENT: Final = re.compile(
    r"before you continue|cookie[ -]?(?:consent|wall)|consent (?:form|manager)|accept all cookies", re.I
)
_LITERAL: Final = re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_SIMPLE_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "u": "\\u", "x": "\\u00"}


@dataclass(frozen=True)
class Page:
    """What a song page holds: the text as shown (None unless the status is ok), and what its preloaded state says."""

    status: PageStatus
    reason: str | None
    text: str | None
    title: str | None = None
    artist: str | None = None
    language: str | None = None
    explicit: bool | None = None


def parse_page(page: str) -> Page:
    """Read a song page, first from its lyric containers, then from its preloaded state.

    Headers, adverts and everything that the page itself excludes from selection are taken out before the text is read;
    only `<br>` and the end of a block break a line. A page with neither source is `blocked`: it is not a song page, and
    says nothing about the song.
    """
    page = page.replace("\0", "")
    if not page.strip():
        return Page("failed", "the page is empty", None)
    state = _state(page)
    song = _song(state)
    wanted = _soup(page, _Wanted())
    containers = [node for node in wanted if not _excluded(node) and not _is_placeholder(node)]
    text = _read(containers)
    if text is None and (body := _text(_find(state, ("songPage", "lyricsData", "body", "html")))):
        text = _read(_soup(f"<div>{body}</div>", SoupStrainer("div")))
    placeholder = _read([node for node in wanted if _is_placeholder(node)])
    status, reason = _status(page, text, placeholder, song, state, containers_seen=bool(containers))
    artist, title = _named(page)
    return Page(
        status,
        reason,
        text if status == "ok" else None,
        title=_text(song.get("title")) or title,
        artist=_text(_dict(song.get("primaryArtist")).get("name")) or _text(song.get("primaryArtistNames")) or artist,
        language=_text(song.get("language")),
        explicit=song["explicit"] if isinstance(song.get("explicit"), bool) else None,
    )


def _status(
    page: str,
    text: str | None,
    placeholder: str | None,
    song: dict[str, Any],
    state: dict[str, Any],
    *,
    containers_seen: bool,
) -> tuple[PageStatus, str | None]:
    told = _text(_find(state, ("songPage", "lyricsData", "lyricsPlaceholderReason")))
    words = text or placeholder or ""
    if song.get("instrumental") is True or told == "instrumental" or _INSTRUMENTAL.search(words):
        return "instrumental", "the page says that the song is an instrumental"
    if told == "unreleased" or song.get("lyricsState") == "unreleased" or _UNRELEASED.search(words):
        return "unreleased", "the page says that the lyrics are not out yet"
    if text:
        return "ok", None
    if containers_seen or song or told or placeholder:
        lyrics_state = _text(song.get("lyricsState"))
        why = told or (lyrics_state if lyrics_state != "complete" else None)
        return "missing", f"the page has no lyrics{f' ({why})' if why else ''}"
    return _no_song(page, state)


def _no_song(page: str, state: dict[str, Any]) -> tuple[PageStatus, str | None]:
    """Say what a page is that is no song page."""
    if _GONE.search(page):
        return "missing", "the page says that there is no such page"
    if kind := _text(state.get("currentPage")):
        return "failed", f"no song page but one of another kind: {kind}"
    if _LOGIN.search(page):
        return "blocked", "no song page: the site wants a log-in"
    if _CAPTCHA.search(page):
        return "blocked", "no song page: a bot check"
    if _CONSENT.search(page):
        return "blocked", "no song page: the site wants consent"
    return "blocked", "no song page: neither lyrics nor the state of a song is in it"


class _Wanted(SoupStrainer):
    """Lets only lyrics, and what encloses no lyrics whatever it holds, become part of the tree."""

    def allow_tag_creation(self, nsprefix: str | None, name: str, attrs: Any) -> bool:
        if name in _SILENT:
            return False
        attrs = attrs or {}
        classes = str(attrs.get("class") or "")
        return (
            attrs.get("data-lyrics-container") == "true"
            or (name == "div" and "lyrics" in classes.split())
            or _PLACEHOLDER in classes
            or attrs.get("data-exclude-from-selection") == "true"
            or attrs.get("aria-hidden") == "true"
        )

    def allow_string_creation(self, string: str) -> bool:
        return False  # asked for strings outside of any wanted tag alone


def _soup(page: str, wanted: SoupStrainer) -> list[Tag]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(page, "lxml", parse_only=wanted)
    tags = [node for node in soup.contents if isinstance(node, Tag)]
    lyrics = [tag for tag in tags if tag.get("data-lyrics-container") == "true" or not _old_layout(tag)]
    return lyrics if any(tag.get("data-lyrics-container") == "true" for tag in lyrics) else tags


def _old_layout(tag: Tag) -> bool:
    return "lyrics" in _classes(tag).split()


def _is_placeholder(tag: Tag) -> bool:
    return _PLACEHOLDER in _classes(tag)


def _classes(tag: Tag) -> str:
    classes = tag.get("class") or ""
    return classes if isinstance(classes, str) else " ".join(classes)


def _named(page: str) -> tuple[str | None, str | None]:
    """Give the artist and title that the head of the page names."""
    found = _TITLE.search(page[:20_000])
    return (html.unescape(found["artist"]).strip(), html.unescape(found["title"]).strip()) if found else (None, None)


def _read(containers: Iterable[Tag]) -> str | None:
    lines: list[str] = []
    for container in containers:
        lines += _lines(container)
    text = "\n".join(re.sub(r" {2,}", " ", line).strip() for line in lines).strip()
    return text or None


def _excluded(node: Tag) -> bool:
    if node.name in _SILENT:
        return True
    if node.get("data-exclude-from-selection") == "true" or node.get("aria-hidden") == "true":
        return True
    classes = _classes(node)
    return any(mark in classes for mark in _FURNITURE)


def _lines(container: Tag) -> list[str]:
    """Read the lines of a node however deep it is; source line ends are spaces, as browsers show them."""
    lines = [""]
    waiting: list[Any] = list(reversed(container.contents))
    while waiting:
        node = waiting.pop()
        if node is None:
            _break(lines)
        elif isinstance(node, Tag):
            if _excluded(node):
                continue
            if node.name == "br":
                lines.append("")
                waiting.extend(reversed(node.contents))
            elif node.name in _BLOCKS:
                _break(lines)
                waiting.append(None)
                waiting.extend(reversed(node.contents))
            else:
                waiting.extend(reversed(node.contents))
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            lines[-1] += _inline(node)
    return lines


def _break(lines: list[str]) -> None:
    if lines[-1].strip():
        lines.append("")


def _inline(text: str | None) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text) if text else ""


def _state(page: str) -> dict[str, Any]:
    if found := _STATE.search(page):
        return _loads(_unescaped(_until_quote(page, found.end())))
    if found := _STATE_PLAIN.search(page):
        try:
            return _dict(json.JSONDecoder().raw_decode(page, found.end())[0])
        except (ValueError, RecursionError):
            return {}
    return {}


def _until_quote(source: str, start: int) -> str:
    found = _LITERAL.match(source, start)
    return found.group() if found else ""


def _unescaped(literal: str) -> str:
    return _ESCAPE.sub(lambda found: _SIMPLE_ESCAPES.get(found.group(1), found.group(1)), literal)


def _loads(source: str) -> dict[str, Any]:
    try:
        return _dict(json.loads(source))
    except (ValueError, RecursionError):
        return {}


def _song(state: dict[str, Any]) -> dict[str, Any]:
    song_id = _find(state, ("songPage", "song"))
    songs = _dict(_find(state, ("entities", "songs")))
    song = dict(_dict(songs.get(str(song_id))) if song_id is not None else {})
    if not song and len(songs) == 1:
        song = dict(_dict(next(iter(songs.values()))))
    primary = song.get("primaryArtist")
    if isinstance(primary, int | str):
        song["primaryArtist"] = _dict(_dict(_find(state, ("entities", "artists"))).get(str(primary)))
    return song


def _find(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    """Give a text of the page's state, or None; what can't be stored is left out of it."""
    return re.sub("[\\0\\ud800-\\udfff]", "", value).strip() or None if isinstance(value, str) else None
