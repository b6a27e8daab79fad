"""Raw songs become tracks with sections, or are set aside with a reason; linking looks for near-duplicates. SQL lives in queries."""

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from rap_platform.lyrics import queries
from rap_platform.lyrics.cleaning import CLEANER_VERSION, Cleaned, clean, is_skit
from rap_platform.lyrics.identity import normalise, normalise_title, parse_title, slot_of, slug
from rap_platform.lyrics.importing import parse_count, parse_names
from rap_platform.lyrics.languages import section_languages, song_language
from rap_platform.lyrics.linking import LinkReport, link_duplicates
from rap_platform.lyrics.parsing import PARSER_VERSION, Page, parse_page
from rap_platform.lyrics.sections import Section, header_of, split_sections

VERSION: Final = f"cleaner-{CLEANER_VERSION}, parser-{PARSER_VERSION}"
BATCH: Final = 100
MOST_SECTIONS: Final = 32_000  # they are numbered with two bytes
LEMMATISED: Final = (
    "lemmatised: the words are reduced to their stems and the lines are lost; no rhyme and no flow can be heard in them"
)
YEARS: Final = range(1000, 2101)


@dataclass(frozen=True)
class Facts:
    """What a song's metadata says; None where it says nothing."""

    artist: str
    title: str
    featured: tuple[str, ...]
    album: str | None
    genre: str | None
    release_date: dt.date | None
    year: int | None
    language: str | None
    explicit: bool | None
    views: int | None


@dataclass
class BuildReport:
    """What a build did; `cleaning` counts the firings of each rule, `set_aside` the reasons."""

    new: int = 0
    changed: int = 0
    refreshed: int = 0  # cleaned again, the lyrics came out the same
    withdrawn: int = 0
    sections: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    cleaning: Counter[str] = field(default_factory=Counter)
    links: LinkReport = field(default_factory=LinkReport)


@dataclass(frozen=True)
class _Prepared:
    song: queries.PendingSong
    facts: Facts
    cleaned: Cleaned
    reason: str | None
    keep_track: bool
    sections: list[Section] = field(default_factory=list)
    languages: list[str | None] = field(default_factory=list)


def build_tracks(conn: psycopg.Connection, report: BuildReport) -> Iterator[int]:
    """Make tracks of all raw songs that wait, a batch a transaction; yields their raw_song_ids as they are done.

    A changed song keeps its track_id and, where the text is the same, its section_ids. A second call does nothing.
    """
    after = 0
    while songs := queries.pending_songs(conn, VERSION, after, BATCH):
        after = songs[-1].raw_song_id
        prepared = [prepare(song) for song in songs]
        _store(conn, prepared, report)
        conn.commit()
        yield from (song.raw_song_id for song in songs)
    withdrawn = queries.withdrawn_tracks(conn)
    queries.delete_tracks(conn, withdrawn)
    conn.commit()
    report.withdrawn = len(withdrawn)
    report.links = link_duplicates(conn)


def prepare(song: queries.PendingSong) -> _Prepared:
    """Parse, describe, clean and judge a raw song."""
    page = parse_page(song.body or "") if song.source == "genius" else None
    text = song.body if page is None else page.text
    cleaned = clean(text or "")
    facts = describe(song, page)
    if page is not None and page.status != "ok":
        return _Prepared(song, facts, cleaned, f"{page.status}: {page.reason}", keep_track=True)
    reason = _why_no_song(song, cleaned)
    if reason is not None:
        return _Prepared(song, facts, cleaned, reason, keep_track=False)
    sections = split_sections(cleaned.text)
    if len(sections) > MOST_SECTIONS:
        return _Prepared(
            song, facts, cleaned, f"too_many_sections: {len(sections):,}, more than a song has", keep_track=False
        )
    languages = section_languages([section.text for section in sections])
    return _Prepared(song, facts, cleaned, None, keep_track=False, sections=sections, languages=languages)


def _why_no_song(song: queries.PendingSong, cleaned: Cleaned) -> str | None:
    if song.payload.get("form") == "lemmatised":
        return LEMMATISED
    if is_skit(song.title):
        return "skit"
    return cleaned.verdict


def describe(song: queries.PendingSong, page: Page | None = None) -> Facts:
    """Read the metadata of a raw song, whatever it came from."""
    return _describe_genius(song, page) if song.source == "genius" else _describe_import(song)


def ensure_artists(conn: psycopg.Connection, names: Iterable[str], *, simulated: bool) -> dict[str, queries.Artist]:
    """Give the artist of each name, inserting those that are new; spellings that normalise alike share one."""
    spellings = {name: normalise(name) for name in names}
    found = queries.artists_by_name(conn, sorted(set(spellings.values())), simulated=simulated)
    for name, normalised in sorted(spellings.items()):
        if normalised not in found:
            mark = hashlib.sha256(f"{normalised}|{simulated}".encode()).hexdigest()[:8]
            slugs = [slug(name), *([f"{slug(name)}-simulated"] if simulated else []), f"{slug(name)}-{mark}"]
            found[normalised] = queries.insert_artist(conn, name, normalised, slugs, simulated=simulated)
    return {name: found[normalised] for name, normalised in spellings.items()}


def _store(conn: psycopg.Connection, prepared: Sequence[_Prepared], report: BuildReport) -> None:
    good = [one for one in prepared if one.reason is None]
    bad = [one for one in prepared if one.reason is not None]
    artists = {
        simulated: ensure_artists(
            conn, [one.facts.artist for one in good if one.song.simulated == simulated], simulated=simulated
        )
        for simulated in sorted({one.song.simulated for one in good})
    }
    rows = [_track_row(one, artists[one.song.simulated][one.facts.artist].artist_id) for one in good]
    sections: list[queries.SectionRow] = []
    lengths: dict[int, int] = {}
    for row, one, track_id in zip(rows, good, queries.store_tracks(conn, rows), strict=True):
        report.cleaning.update(one.cleaned.counts)
        if one.song.track_id is None:
            report.new += 1
        elif one.song.lyrics_sha256 != row.lyrics_sha256:
            report.changed += 1
        else:
            report.refreshed += 1
        own = _section_rows(track_id, one)
        lengths[track_id] = len(own)
        sections += own
    queries.store_sections(conn, sections, lengths)
    report.sections += len(sections)
    for keep_track in (True, False):
        aside = [one for one in bad if one.keep_track == keep_track]
        report.set_aside.update(str(one.reason).partition(":")[0] for one in aside)
        queries.store_set_aside(
            conn,
            [
                {
                    "raw_song_id": one.song.raw_song_id,
                    "raw_sha256": one.song.content_sha256,
                    "cleaner_version": VERSION,
                    "reason": one.reason,
                }
                for one in aside
            ],
            keep_tracks=keep_track,
        )


def _track_row(one: _Prepared, artist_id: int) -> queries.TrackRow:
    song, facts, lyrics = one.song, one.facts, one.cleaned.text
    lines = lyrics.split("\n")
    sung = [
        line for at, line in enumerate(lines) if line.strip() and header_of(line, lines[at - 1] if at else "") is None
    ]
    return queries.TrackRow(
        raw_song_id=song.raw_song_id, source=song.source, source_id=song.source_id, artist_id=artist_id,
        artist=facts.artist, title=facts.title, normalised_title=normalise_title(facts.title), featured=list(facts.featured),
        album=facts.album, genre=facts.genre, release_date=facts.release_date, year=facts.year,
        language=song_language([section.text for section in one.sections], one.languages) or facts.language, explicit=facts.explicit, views=facts.views,
        lyrics=lyrics, lyrics_sha256=_sha256(lyrics), line_count=max(1, len(sung)), word_count=sum(len(line.split()) for line in sung),
        cleaning=Jsonb(one.cleaned.counts), cleaner_version=VERSION, raw_sha256=song.content_sha256,
        slot=slot_of(song.source, song.source_id), simulated=song.simulated,
    )  # fmt: skip


def _section_rows(track_id: int, one: _Prepared) -> list[queries.SectionRow]:
    return [
        queries.SectionRow(
            track_id,
            s.section_no,
            s.kind,
            s.label,
            s.number,
            list(s.performers),
            s.first_line,
            s.last_line,
            s.text,
            _sha256(s.text),
            language,
        )
        for s, language in zip(one.sections, one.languages, strict=True)
    ]


def _describe_genius(song: queries.PendingSong, page: Page | None) -> Facts:
    told = _dict(song.payload.get("song"))
    title = parse_title(song.title)
    guests = [
        str(guest["name"])
        for guest in told.get("featured_artists") or ()
        if isinstance(guest, dict) and guest.get("name")
    ]
    released = _date_of(_dict(told.get("release_date_components"))) or _date(told.get("release_date"))
    parts = _dict(told.get("release_date_components"))
    explicit = told.get("explicit") if isinstance(told.get("explicit"), bool) else page.explicit if page else None
    return Facts(
        artist=song.artist, title=song.title, featured=tuple(dict.fromkeys([*guests, *title.featured])),
        album=_text(_dict(told.get("album")).get("name")), genre=_text(_dict(told.get("primary_tag")).get("name")),
        release_date=released, year=_year(parts.get("year")) or (released.year if released else None),
        language=_language(told.get("language")) or _language(page.language if page else None),
        explicit=explicit, views=parse_count(_dict(told.get("stats")).get("pageviews")),
    )  # fmt: skip


def _describe_import(song: queries.PendingSong) -> Facts:
    told = _dict(song.payload.get("fields"))
    title = parse_title(song.title)
    released = _date(told.get("release_date"))
    featured = [name for name in parse_names(told.get("featured")) if normalise(name) != normalise(song.artist)]
    return Facts(
        artist=song.artist, title=song.title, featured=tuple(dict.fromkeys([*featured, *title.featured])),
        album=_text(told.get("album")), genre=_text(told.get("genre")), release_date=released,
        year=_year(told.get("year")) or (released.year if released else _year(told.get("release_date"))),
        language=_language(told.get("language")), explicit=_truth(told.get("explicit")), views=parse_count(told.get("views")),
    )  # fmt: skip


def _date_of(parts: Mapping[str, Any]) -> dt.date | None:
    try:
        return dt.date(int(parts["year"]), int(parts["month"]), int(parts["day"])) if _year(parts.get("year")) else None
    except (KeyError, TypeError, ValueError):
        return None


def _date(value: Any) -> dt.date | None:
    found = re.match(r"(\d{4})-(\d{2})-(\d{2})", str(value or ""))
    return _date_of(dict(zip(("year", "month", "day"), found.groups(), strict=True))) if found else None


def _year(value: Any) -> int | None:
    found = re.fullmatch(r"\s*(\d{4})(?:\.0)?\s*", str(value))
    return int(found[1]) if found and int(found[1]) in YEARS else None


def _language(value: Any) -> str | None:
    found = re.fullmatch(r"([a-z]{2,3})(?:[-_]\w+)?", str(value or "").strip().casefold())
    return found[1] if found else None


def _truth(value: Any) -> bool | None:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        str(value).strip().casefold()
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
