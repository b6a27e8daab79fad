"""A song page becomes text with its line breaks; cleaning the text and storing it happen elsewhere."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from lxml import etree, html

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
_STATE: Final = re.compile(r"window\.__PRELOADED_STATE__\s*=\s*JSON\.parse\(\s*'")
_STATE_PLAIN: Final = re.compile(r"window\.__PRELOADED_STATE__\s*=\s*(?=\{)")
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
    tree = _tree(page)
    if tree is None:
        return Page("failed", "the page is empty", None)
    state = _state(tree)
    song = _song(state)
    containers = tree.xpath('//div[@data-lyrics-container="true"]') or tree.xpath(
        '//div[contains(concat(" ", @class, " "), " lyrics ")]'
    )
    try:
        text = _read(containers)
        if text is None and (body := _find(state, ("songPage", "lyricsData", "body", "html"))):
            text = _read([fragment for fragment in [_tree(f"<div>{body}</div>")] if fragment is not None])
    except RecursionError:
        return Page("failed", "the page is nested too deeply to be read", None)
    status, reason = _status(text, song, state, containers_seen=bool(containers))
    return Page(
        status,
        reason,
        text if status == "ok" else None,
        title=_text(song.get("title")),
        artist=_text(_dict(song.get("primaryArtist")).get("name")) or _text(song.get("primaryArtistNames")),
        language=_text(song.get("language")),
        explicit=song["explicit"] if isinstance(song.get("explicit"), bool) else None,
    )


def _status(
    text: str | None, song: dict[str, Any], state: dict[str, Any], *, containers_seen: bool
) -> tuple[PageStatus, str | None]:
    placeholder = _text(_find(state, ("songPage", "lyricsData", "lyricsPlaceholderReason")))
    if song.get("instrumental") is True or placeholder == "instrumental":
        return "instrumental", "the page says that the song is an instrumental"
    if placeholder == "unreleased" or song.get("lyricsState") == "unreleased":
        return "unreleased", "the page says that the lyrics are not out yet"
    if text:
        return "ok", None
    if containers_seen or song or placeholder:
        return "missing", f"the page has no lyrics{f' ({placeholder})' if placeholder else ''}"
    return "blocked", "no song page: neither lyrics nor the state of a song is in it"


def _tree(page: str) -> Any:
    # lxml takes no str with an XML declaration of an encoding, and no NUL
    data = page.replace("\0", "").encode("utf-8", errors="replace")
    try:
        return (
            html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
            if data.strip()
            else None
        )
    except etree.ParserError:
        return None


def _read(containers: list[Any]) -> str | None:
    lines: list[str] = []
    for container in containers:
        current = [""]
        _collect(container, current)
        lines += current
    text = "\n".join(re.sub(r" {2,}", " ", line).strip() for line in lines).strip()
    return text or None


def _excluded(node: Any) -> bool:
    if not isinstance(node.tag, str) or node.tag in _SILENT:
        return True
    if node.get("data-exclude-from-selection") == "true" or node.get("aria-hidden") == "true":
        return True
    classes = node.get("class") or ""
    return any(mark in classes for mark in _FURNITURE)


def _collect(node: Any, lines: list[str]) -> None:
    """Append the text of a node to `lines`; source line ends are spaces, as browsers show them."""
    lines[-1] += _inline(node.text)
    for child in node:
        if not _excluded(child):
            if child.tag == "br":
                lines.append("")
            elif child.tag in _BLOCKS:
                _break(lines)
                _collect(child, lines)
                _break(lines)
            else:
                _collect(child, lines)
        lines[-1] += _inline(child.tail)


def _break(lines: list[str]) -> None:
    if lines[-1].strip():
        lines.append("")


def _inline(text: str | None) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text) if text else ""


def _state(tree: Any) -> dict[str, Any]:
    for script in tree.iter("script"):
        source = script.text or ""
        if found := _STATE.search(source):
            return _loads(_unescaped(_until_quote(source[found.end() :])))
        if found := _STATE_PLAIN.search(source):
            try:
                return _dict(json.JSONDecoder().raw_decode(source, found.end())[0])
            except (ValueError, RecursionError):
                return {}
    return {}


def _until_quote(source: str) -> str:
    found = re.match(r"(?:[^'\\]|\\.)*", source, re.DOTALL)
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
    return value.strip() or None if isinstance(value, str) else None
