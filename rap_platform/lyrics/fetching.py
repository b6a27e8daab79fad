"""An artist's songs are fetched from Genius, song by song, and told apart; storing them happens elsewhere."""

import datetime as dt
import hashlib
import json
import queue
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from rap_platform.lyrics.identity import is_translation_account, same_artist, same_title
from rap_platform.lyrics.parsing import parse_page
from rap_platform.lyrics.queries import Artist, KnownSong, RawSong
from rap_platform.resources.genius import Answer, ApiAnswer, GeniusClient, Outcome

WORKERS: Final = 8
WAITING_SONGS: Final = 64
REFRESH_AFTER: Final = dt.timedelta(days=90)
ASK_AGAIN_AFTER: Final = dt.timedelta(days=7)  # a song without lyrics may get some
TRY_AGAIN_AFTER_S: Final = 3600.0
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
    """Genius blocks us; `retry_after_s` says when to ask again."""

    def __init__(self, reason: str, retry_after_s: float | None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s if retry_after_s is not None else TRY_AGAIN_AFTER_S


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
    nothing more is asked of Genius: what had arrived is yielded, then Blocked is raised. At most 64 songs wait in memory.
    """
    found: queue.Queue[RawSong | ArtistReport | None] = queue.Queue(maxsize=WAITING_SONGS)
    stop = threading.Event()
    blocks: list[Blocked] = []
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
            blocks.append(error)
            report.error = f"blocked: {error}"
        except BaseException:
            stop.set()
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
    if blocks:
        raise blocks[0]


def find_artist(client: GeniusClient, name: str) -> int:
    """Give the Genius id of an artist by name; a similar name is not taken. Raises Blocked."""
    hits = _ask(client.search(name), f"search for {name!r}").get("hits")
    for hit in hits if isinstance(hits, list) else ():
        found = _dict(_dict(_dict(hit).get("result")).get("primary_artist"))
        spelling = str(found.get("name") or "")
        if isinstance(found.get("id"), int) and same_artist(spelling, name) and not is_translation_account(spelling):
            return int(found["id"])
    raise _Broken(f"Genius knows no artist named {name!r}: check the spelling in RAP_GENIUS__ARTISTS")


def reread(song: RawSong) -> tuple[str, str | None]:
    """Look into a fetched page: give the status and reason that its content calls for."""
    page = parse_page(song.body or "")
    if page.status == "ok" and page.title and not same_title(page.title, song.title):
        return "failed", f"the page is of another song: {page.title!r}"
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
    for listed in _listed(client, artist_id, report, most_songs, stop):
        if stop.is_set():
            raise _Broken("not finished: the run stopped before")
        song = known.get(str(listed["id"]))
        if song is not None and not force and not _due(song, _fingerprint(listed), now):
            report.known += 1
            continue
        fetched, block = _fetch(client, artist, listed)
        yield fetched
        if block is not None:
            raise block


def _listed(
    client: GeniusClient, artist_id: int, report: ArtistReport, most_songs: int, stop: threading.Event
) -> Iterator[dict[str, Any]]:
    page: int | None = 1
    while page is not None and not stop.is_set():
        response = _ask(client.artist_songs(artist_id, page, sort="release_date"), f"list of songs, page {page}")
        for song in response.get("songs") or ():
            if (
                not isinstance(song, dict)
                or not isinstance(song.get("id"), int)
                or not isinstance(song.get("title"), str)
            ):
                raise _Broken("the list of songs is not as Genius documents it")
            primary = _dict(song.get("primary_artist"))
            if primary.get("id") != artist_id or is_translation_account(str(primary.get("name") or "")):
                report.of_others += 1
                continue
            report.listed += 1
            yield song
            if report.listed >= most_songs:
                return
        following = response.get("next_page")
        page = following if isinstance(following, int) and following > page else None


def _fetch(client: GeniusClient, artist: Artist, listed: Mapping[str, Any]) -> tuple[RawSong, Blocked | None]:
    """Fetch a song and its page; with a block also the exception that ends the run."""
    answer: Answer | ApiAnswer = client.song(int(listed["id"]))
    song: dict[str, Any] = {}
    if isinstance(answer, ApiAnswer) and answer.outcome is Outcome.OK:
        song = _dict(answer.response.get("song"))
        answer = (
            _listed_as(song)
            if song.get("id") == listed["id"]
            else _answer(Outcome.FAILED, "Genius answered with another song")
        )
        if answer.outcome is Outcome.OK:
            url = song.get("url") or listed.get("url")
            answer = (
                client.page(url)
                if isinstance(url, str)
                else _answer(Outcome.FAILED, "Genius gave no address for the song")
            )
    block = Blocked(answer.reason or "blocked", answer.retry_after_s) if answer.outcome is Outcome.BLOCKED else None
    return _raw(client, artist, song or dict(listed), listed, answer), block


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
    keys = (
        "title",
        "url",
        "lyrics_state",
        "instrumental",
        "release_date_components",
        "lyrics_updated_at",
        "updated_by_human_at",
    )
    facts: dict[str, Any] = {key: listed.get(key) for key in keys}
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
