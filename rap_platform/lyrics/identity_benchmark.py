"""Measures the linking of near-duplicates against the world's truth, its cost as songs grow in number, and the signatures."""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import psycopg
from datasketch import MinHash
from psycopg.types.json import Jsonb

from rap_platform.benchmarks import Bench
from rap_platform.lyrics import link_queries, queries
from rap_platform.lyrics.building import BuildReport, build_tracks, ensure_artists
from rap_platform.lyrics.cleaning import clean
from rap_platform.lyrics.duplicates import PERMUTATIONS, shingles, signature
from rap_platform.lyrics.identity import normalise_title, slot_of
from rap_platform.lyrics.linking import link_duplicates
from rap_platform.resources.postgres import connect
from rap_platform.resources.scratch import scratch_database
from rap_platform.settings import Settings
from rap_platform.world import songwriter, truth
from rap_platform.world.corpus import Corpus

SEEDS = (2026, 7, 99)
SONGS = 3000  # of each seed
SONGS_PER_ARTIST = 40
SIZES = (2_000, 20_000)
NEW_SONGS = 200
SIGNED_TEXTS = 200
WORDS = 4000


def identity(settings: Settings) -> Bench:
    """Precision and recall of links on three worlds, milliseconds per new song at two sizes, milliseconds per signature.

    A link is right when it joins a remix, live take or re-upload with the very song that it is a version of, in that
    direction. Songs go through cleaning, building and linking into a database that is made for this and dropped after.
    The ratio is our signature (cleaned text to 128 values) over datasketch's own loop, one `update` for each triple.
    """
    figures: dict[str, float] = {}
    total: Counter[str] = Counter()
    with scratch_database(settings) as dsn:
        for seed in SEEDS:
            with connect(dsn) as conn:
                counts = linked_as_in_truth(conn, seed, SONGS)
                queries.forget_all_songs(conn)
            figures |= {f"{name}_seed_{seed}": value for name, value in _precision_and_recall(counts).items()}
            total.update(counts)
        figures |= _precision_and_recall(total)
        figures |= {"songs": float(total["songs"]), "versions": float(total["true"])}
        with connect(dsn) as conn:
            figures |= _cost_by_size(conn)
    ours, theirs = _signature_ms()
    figures["signature_ms"] = ours
    return Bench("identity", figures, {"signature_ms": theirs}, round(ours / theirs, 4))


def linked_as_in_truth(conn: psycopg.Connection, seed: int, songs: int) -> Counter[str]:
    """Write a world's songs, build and link them; counts songs, true links, links found, and right ones."""
    corpus = Corpus(seed, max(1, songs // SONGS_PER_ARTIST), songs)
    wanted: set[tuple[str, str]] = set()
    rows: list[queries.RawSong] = []
    for artist in range(corpus.artists):
        for song in range(corpus.counts[artist]):
            told = truth.song(seed, artist, song)
            if told.version_of is not None:
                wanted.add((_source_id(corpus, artist, song), _source_id(corpus, artist, told.version_of)))
            rows.append(_raw_song(corpus, artist, song))
    Random(seed).shuffle(rows)  # noqa: S311
    queries.store_raw_songs(conn, rows)
    conn.commit()
    for _ in build_tracks(conn, BuildReport()):
        pass
    found = set(link_queries.links_by_source(conn))
    return Counter(songs=len(rows), true=len(wanted), found=len(found), right=len(found & wanted))


def _precision_and_recall(counts: Counter[str]) -> dict[str, float]:
    return {
        "precision": round(counts["right"] / max(1, counts["found"]), 4),
        "recall": round(counts["right"] / max(1, counts["true"]), 4),
    }


def _source_id(corpus: Corpus, artist: int, song: int) -> str:
    return f"world:{corpus.song_id(artist, song)}"


def _raw_song(corpus: Corpus, artist: int, song: int) -> queries.RawSong:
    written, told = songwriter.write(corpus.seed, artist, song), truth.song(corpus.seed, artist, song)
    released = f"{told.year:04d}-{told.month:02d}-{told.day:02d}"
    return queries.RawSong(
        source="import", source_id=_source_id(corpus, artist, song), artist_slug=None, artist=corpus.name(artist), title=written.title,
        status="ok", reason=None, payload={"fields": {"release_date": released}}, body=written.lyrics,
        content_sha256=_sha256(written.lyrics), simulated=True,
    )  # fmt: skip


def _cost_by_size(conn: psycopg.Connection) -> dict[str, float]:
    """Milliseconds that linking takes for each of 200 new songs, every tenth of them a copy, at each size."""
    figures: dict[str, float] = {}
    there = 0
    for size in SIZES:
        _add_songs(conn, [_words(number) for number in range(there, size)])
        link_duplicates(conn)
        there = size
        new = [
            _words(number - size) if number % 10 == 0 else _words(1_000_000 + number)
            for number in range(size, size + NEW_SONGS)
        ]
        added = _add_songs(conn, new)
        started = time.perf_counter()
        report = link_duplicates(conn)
        figures[f"link_ms_per_new_song_at_{size}"] = round((time.perf_counter() - started) / NEW_SONGS * 1000, 3)
        if (report.signed, report.links_changed) != (NEW_SONGS, NEW_SONGS // 10):
            raise RuntimeError(f"{NEW_SONGS} new songs, a tenth of them copies, were linked as {report}")
        queries.delete_tracks(conn, added)
        conn.commit()
    return figures


def _add_songs(conn: psycopg.Connection, texts: Sequence[str]) -> list[int]:
    """Store texts as songs by one artist, already clean; returns their track_ids."""
    artist = ensure_artists(conn, ["Nobody"], simulated=True)["Nobody"]
    added: list[int] = []
    for start in range(0, len(texts), 500):
        part = texts[start : start + 500]
        songs = [_synthetic(f"scale:{secrets.token_hex(8)}", text) for text in part]
        queries.store_raw_songs(conn, songs)
        ids = queries.raw_song_ids(conn, [song.source_id for song in songs])
        rows = [_track(ids[song.source_id], song, artist.artist_id) for song in songs]
        added += queries.store_tracks(conn, rows)
        conn.commit()
    return added


def _synthetic(source_id: str, text: str) -> queries.RawSong:
    return queries.RawSong(
        "import", source_id, None, "Nobody", f"Song {source_id}", "ok", None, {}, text, _sha256(text), simulated=True
    )


def _track(raw_song_id: int, song: queries.RawSong, artist_id: int) -> queries.TrackRow:
    text = song.body or ""
    return queries.TrackRow(
        raw_song_id=raw_song_id, source=song.source, source_id=song.source_id, artist_id=artist_id, artist=song.artist, title=song.title,
        normalised_title=normalise_title(song.title), featured=[], album=None, genre=None, release_date=None, year=None, language=None,
        explicit=None, views=None, lyrics=text, lyrics_sha256=song.content_sha256, line_count=text.count("\n") + 1,
        word_count=len(text.split()), cleaning=Jsonb({}), cleaner_version="none", raw_sha256=song.content_sha256,
        slot=slot_of(song.source, song.source_id), simulated=True,
    )  # fmt: skip


def _words(number: int) -> str:
    """A text of 240 made-up words, the same for the same number."""
    chance = Random(number)  # noqa: S311
    return "\n".join(" ".join(f"w{chance.randrange(WORDS)}" for _ in range(8)) for _ in range(30))


def _signature_ms() -> tuple[float, float]:
    texts = [clean(songwriter.write(SEEDS[0], number % 50, number // 50).lyrics).text for number in range(SIGNED_TEXTS)]

    def ours(text: str) -> object:
        return signature(shingles(text))

    def plain(text: str) -> object:
        words, sketch = text.casefold().split(), MinHash(PERMUTATIONS)
        for at in range(len(words) - 2):
            sketch.update(" ".join(words[at : at + 3]).encode())
        return sketch

    return _ms_each(ours, texts), _ms_each(plain, texts)


def _ms_each(call: Callable[[str], object], texts: Sequence[str]) -> float:
    best = float("inf")
    for _ in range(2):
        started = time.perf_counter()
        for text in texts:
            call(text)
        best = min(best, time.perf_counter() - started)
    return round(best / len(texts) * 1000, 3)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
