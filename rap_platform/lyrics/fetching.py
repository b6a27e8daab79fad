"""An artist's songs are fetched from Genius, song by song, and told apart; storing them happens elsewhere."""

import datetime as dt
import hashlib
import json
import queue
import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import redis

from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.identity import is_translation_account, normalise, same_artist, same_title
from rap_platform.lyrics.parsing import PARSER_VERSION, Page, parse_page
from rap_platform.lyrics.queries import Artist, KnownSong, RawSong
from rap_platform.resources import redis as shared
from rap_platform.resources.genius import Answer, ApiAnswer, GeniusClient, Outcome
from rap_platform.resources.politeness import BreakerOpen, Held

WORKERS: Final = 8
WAITING_SONGS: Final = 8  # what waits here is lost with the process
REFRESH_AFTER: Final = dt.timedelta(days=90)
ASK_AGAIN_AFTER: Final = dt.timedelta(days=7)  # a song without lyrics may get some
TRY_AGAIN_AFTER_S: Final = 3600.0
LIST_KEPT_S: Final = 3600
SETTLED: Final = frozenset({"ok", "instrumental", "removed"})
UNSETTLED: Final = frozenset({"missing", "unreleased"})


@dataclass
class ArtistReport:
    """What became of one artist: songs listed, already known, of others, fetched by status; `error` when it broke off."""

    slug: str
    artist: str
    listed: int = 0
    known: int = 0
    of_others: int = 0
    fetched: dict[str, int] = field(default_factory=dict)
    genius_id: int | None = None
    error: str | None = None


class Blocked(Exception):
    """Genius blocks us; `retry_after_s` is what it asked for, if it did."""

    def __init__(self, reason: str, retry_after_s: float | None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Down(Exception):
    """Genius failed so often in a row that nothing more was asked of it; a later run goes on."""


_LISTING: Final = (
    "title",
    "url",
    "lyrics_state",
    "instrumental",
    "release_date_components",
    "lyrics_updated_at",
    "updated_by_human_at",
)


class _Broken(Exception):
    pass


def fetch_artists(
    client: GeniusClient,
    artists: Sequence[Artist],
    known: Mapping[str, KnownSong],
    *,
    most_songs: int,
    force: bool = False,
    now: dt.datetime | None = None,
) -> Generator[RawSong | ArtistReport, None, None]:
    """Yield the songs of several artists as they come, and after an artist's last song its report.

    Songs that are known and did not change are not fetched; one artist's error ends that artist only. After a block
    nothing more is asked of Genius: what had arrived is yielded, then Blocked is raised, or Down when Genius does not answer.
    Few songs wait in memory. `force` also asks again for lists of songs that were read within the hour.
    """
    found: queue.Queue[RawSong | ArtistReport | None] = queue.Queue(maxsize=WAITING_SONGS)
    stop = threading.Event()
    ends: list[Blocked | Down] = []
    moment = now or dt.datetime.now(dt.UTC)

    def _put(item: RawSong | ArtistReport | None) -> None:
        while True:
            try:
                return found.put(item, timeout=0.2)
            except queue.Full:
                if abandoned.is_set():
                    return None

    def _work(artist: Artist) -> None:
        report = ArtistReport(artist.slug, artist.name, genius_id=artist.genius_id)
        try:
            for song in _artist(
                client, artist, known, report, most_songs=most_songs, force=force, now=moment, stop=stop
            ):
                report.fetched[song.status] = report.fetched.get(song.status, 0) + 1
                _put(song)
        except _Broken as error:
            report.error = str(error)
        except Blocked as error:
            stop.set()
            ends.append(error)
            report.error = f"blocked: {error}"
        except Held as error:
            stop.set()
            ends.append(Blocked(error.hold.reason, (error.hold.until - dt.datetime.now(dt.UTC)).total_seconds()))
            report.error = f"blocked: {error}"
        except (Down, BreakerOpen) as error:
            stop.set()
            ends.append(Down(str(error)))
            report.error = f"not finished: {error}"
        except BaseException as error:
            stop.set()
            report.error = f"not finished: {type(error).__name__}: {error}"
            raise
        finally:
            _put(report)
            _put(None)

    abandoned = threading.Event()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="genius") as pool:
        futures = [pool.submit(_work, artist) for artist in artists]
        try:
            ended = 0
            while ended < len(futures):
                item = found.get()
                if item is None:
                    ended += 1
                else:
                    yield item
        finally:
            abandoned.set()
            stop.set()
    for future in futures:
        future.result()
    if ends:
        raise min(ends, key=lambda end: isinstance(end, Down))


def find_artist(client: GeniusClient, name: str) -> int:
    """Give the Genius id of an artist by name: of the hit that is named so, else of one spelt nearly so. Raises Blocked."""
    hits = _ask(client.search(name), f"search for {name!r}").get("hits")
    near: int | None = None
    for hit in hits if isinstance(hits, list) else ():
        found = _dict(_dict(_dict(hit).get("result")).get("primary_artist"))
        spelling, number = str(found.get("name") or ""), found.get("id")
        if not isinstance(number, int) or is_translation_account(spelling) or not same_artist(spelling, name):
            continue
        if normalise(spelling) == normalise(name):
            return number
        near = number if near is None else near
    if near is not None:
        return near
    raise _Broken(
        f"Genius knows no artist named {name!r}: check the spelling, or say `artists add NAME --genius-id ID`"
    )


def reread(song: RawSong) -> RawSong:
    """Look into a fetched page: give the song with the status and reason that its content calls for, and the digest of its words.

    A song without a page stays as it is.
    """
    if song.body is None:
        return song
    page = parse_page(song.body)
    status, reason = _guarded(page, song)
    words = text_sha256(page.text) if status == "ok" and page.text else None
    return replace(song, status=status, reason=reason, parser_version=PARSER_VERSION, text_sha256=words)


def text_sha256(text: str) -> str | None:
    """Give the digest of the words of a text, by which exact duplicates meet; None of a text without words."""
    words = re.findall(r"\w+", clean(text).text.casefold())
    return hashlib.sha256(" ".join(words).encode()).hexdigest() if words else None


def first_with_text(client: GeniusClient, digest: str, source_id: str) -> str | None:
    """Give the song that had these words first as Redis knows it, this one when there is none before; None without Redis."""
    key = _hashes(client)
    try:
        if client.redis is None:
            return None
        client.redis.hsetnx(key, digest, source_id)
        first = client.redis.hget(key, digest)
    except redis.RedisError:
        return None
    return first.decode() if isinstance(first, bytes) else None


def remember_texts(client: GeniusClient, owners: Callable[[], Iterable[tuple[str, str]]]) -> None:
    """Tell a Redis that knows no texts yet, or has lost them, which song had which digest first; for ever."""
    try:
        if client.redis is None or client.redis.exists(_hashes(client)):
            return
        for digest, source_id in owners():
            client.redis.hsetnx(_hashes(client), digest, source_id)
    except redis.RedisError:
        return


def _hashes(client: GeniusClient) -> str:
    return f"rap:lyrics:hashes:{client.endpoint.base_url}"


def _guarded(page: Page, song: RawSong) -> tuple[str, str | None]:
    """Refuse a page that is of another song or artist than was asked for, whatever it says of it."""
    if page.status in ("blocked", "failed"):
        return page.status, page.reason
    if page.title and not same_title(page.title, song.title):
        return "failed", f"the page is of another song: {page.title!r}"
    told = _dict(_dict(song.payload.get("song")).get("primary_artist")).get("name")
    if page.artist and is_translation_account(page.artist):
        return "failed", f"the page is a translation: {page.artist!r}"
    if page.artist and not any(same_artist(page.artist, name) for name in (song.artist, told) if isinstance(name, str)):
        return "failed", f"the page is of another artist: {page.artist!r}"
    return page.status, page.reason


def _artist(
    client: GeniusClient,
    artist: Artist,
    known: Mapping[str, KnownSong],
    report: ArtistReport,
    *,
    most_songs: int,
    force: bool,
    now: dt.datetime,
    stop: threading.Event,
) -> Iterator[RawSong]:
    if stop.is_set():
        raise _Broken("not asked: the run stopped before")
    artist_id = artist.genius_id if artist.genius_id is not None else find_artist(client, artist.name)
    report.genius_id = artist_id
    failed: list[dict[str, Any]] = []  # tried after all others, so that what fails for good holds nothing up

    def _waiting() -> Iterator[dict[str, Any]]:
        for listed in _listed(client, artist_id, report, most_songs, stop, force=force):
            song = known.get(str(listed["id"]))
            if song is not None and not force and not _due(song, _fingerprint(listed), now):
                report.known += 1
            elif song is not None and song.status == "failed":
                failed.append(listed)
            else:
                yield listed
        yield from failed

    for listed in _waiting():
        if stop.is_set():
            raise _Broken("not finished: the run stopped before")
        fetched, end = _fetch(client, artist, listed)
        yield fetched
        if end is not None:
            raise end


def _listed(
    client: GeniusClient, artist_id: int, report: ArtistReport, most_songs: int, stop: threading.Event, *, force: bool
) -> Iterator[dict[str, Any]]:
    page: int | None = 1
    seen: set[int] = set()
    while page is not None:
        if stop.is_set():
            raise _Broken("not finished: the run stopped before")
        songs, following = _page_of_list(client, artist_id, page, force=force)
        for song in songs:
            if song["id"] in seen:  # a list that changes while it is read says some twice
                continue
            seen.add(song["id"])
            primary = _dict(song.get("primary_artist"))
            if primary.get("id") != artist_id or is_translation_account(str(primary.get("name") or "")):
                report.of_others += 1
                continue
            report.listed += 1
            yield song
            if report.listed >= most_songs:
                return
        page = following if following is not None and following > page else None


def _page_of_list(
    client: GeniusClient, artist_id: int, page: int, *, force: bool
) -> tuple[list[dict[str, Any]], int | None]:
    """Give a page of an artist's songs and the number of the next one, from Redis when it was read within the hour."""
    key = f"rap:genius:songs:{client.endpoint.base_url}:{artist_id}:{page}"
    found = None if force else _as_list(shared.recall(client.redis, key))
    if found is None:
        response = _ask(client.artist_songs(artist_id, page, sort="release_date"), f"list of songs, page {page}")
        found = _as_list(response)
        if found is None:
            raise _Broken("the list of songs is not as Genius documents it")
        shared.keep(client.redis, key, {"songs": found[0], "next_page": found[1]}, LIST_KEPT_S)
    return found


def _as_list(told: Any) -> tuple[list[dict[str, Any]], int | None] | None:
    """Take a page of a list apart; None when it is not as Genius documents it."""
    songs = told.get("songs") if isinstance(told, dict) else None
    if not isinstance(songs, list):
        return None
    kept = []
    for song in songs:
        if not isinstance(song, dict) or not isinstance(song.get("id"), int) or not isinstance(song.get("title"), str):
            return None
        primary = _dict(song.get("primary_artist"))
        facts = {name: song[name] for name in ("id", *_LISTING) if name in song}
        kept.append(facts | {"primary_artist": {"id": primary.get("id"), "name": primary.get("name")}})
    following = told.get("next_page")
    return kept, following if isinstance(following, int) else None


def _fetch(client: GeniusClient, artist: Artist, listed: Mapping[str, Any]) -> tuple[RawSong, Blocked | Down | None]:
    """Fetch a song and its page; with a block or an outage also the exception that ends the run."""
    song: dict[str, Any] = {}
    try:
        answer: Answer | ApiAnswer = client.forbidden(_url(listed)) or client.song(int(listed["id"]))
        if isinstance(answer, ApiAnswer) and answer.outcome is Outcome.OK:
            song = _dict(answer.response.get("song"))
            answer = _page_of(client, song, listed)
    except BreakerOpen as error:
        down = _answer(Outcome.FAILED, str(error))
        return _raw(client, artist, song or dict(listed), listed, down), Down(str(error))
    stops = answer.outcome is Outcome.BLOCKED and (isinstance(answer, ApiAnswer) or answer.others_too)
    block = Blocked(answer.reason or "blocked", answer.retry_after_s) if stops else None
    return _raw(client, artist, song or dict(listed), listed, answer), block


def _page_of(client: GeniusClient, song: Mapping[str, Any], listed: Mapping[str, Any]) -> Answer:
    if song.get("id") != listed["id"]:
        return _answer(Outcome.FAILED, "Genius answered with another song")
    told = _listed_as(song)
    url = _url(song) or _url(listed)
    if told.outcome is not Outcome.OK:
        return told
    return client.page(url) if url else _answer(Outcome.FAILED, "Genius gave no address for the song")


def _url(song: Mapping[str, Any]) -> str:
    url = song.get("url")
    return url if isinstance(url, str) else ""


def _listed_as(song: Mapping[str, Any]) -> Answer:
    if song.get("instrumental") is True:
        return _answer(Outcome.INSTRUMENTAL, "Genius lists it as an instrumental")
    if song.get("lyrics_state") == "unreleased":
        return _answer(Outcome.UNRELEASED, "Genius lists its lyrics as not out yet")
    return _answer(Outcome.OK, None)


def _answer(outcome: Outcome, reason: str | None) -> Answer:
    return Answer(outcome, reason, b"", "utf-8")


def _raw(
    client: GeniusClient, artist: Artist, song: dict[str, Any], listed: Mapping[str, Any], answer: Answer | ApiAnswer
) -> RawSong:
    status, reason = answer.outcome.value, answer.reason
    body = answer.text if isinstance(answer, Answer) and answer.outcome is Outcome.OK else None
    payload: dict[str, Any] = {"listing": _fingerprint(listed), "song": song}
    told = json.dumps(song, sort_keys=True, ensure_ascii=False)
    if "\0" in (body or "") or "\\u0000" in told or not _encodes(told):
        status, reason, body = Outcome.FAILED.value, "the answer holds NUL or broken characters", None
        payload, told = {"listing": None, "song": {"id": listed["id"]}}, ""
    return RawSong(
        "genius", str(listed["id"]), artist.slug, artist.name, _plain(song.get("title")) or "(untitled)", status, reason, payload, body,
        hashlib.sha256(f"{told}\n{body or ''}".encode()).hexdigest(), client.endpoint.simulated,
    )  # fmt: skip


def _due(song: KnownSong, fingerprint: str, now: dt.datetime) -> bool:
    if song.status in SETTLED:
        return song.listing != fingerprint or now - song.fetched_at > REFRESH_AFTER
    if song.status in UNSETTLED:
        return song.listing != fingerprint or now - song.fetched_at > ASK_AGAIN_AFTER
    return True


def _fingerprint(listed: Mapping[str, Any]) -> str:
    """Give a digest of what changes when a song is edited; views change daily and don't count."""
    facts: dict[str, Any] = {key: listed.get(key) for key in _LISTING}
    facts["artist"] = _dict(listed.get("primary_artist")).get("id")
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _ask(answer: ApiAnswer, what: str) -> dict[str, Any]:
    if answer.outcome is Outcome.BLOCKED:
        raise Blocked(answer.reason or "blocked", answer.retry_after_s)
    if answer.outcome is not Outcome.OK:
        raise _Broken(f"{what}: {answer.reason}")
    return answer.response


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) and _encodes(value) else ""
    return " ".join(text.replace("\0", "").replace("\u200b", "").split())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
