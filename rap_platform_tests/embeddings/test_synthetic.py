"""Synthetic songs: the same each time, with the word statistics of lyrics and vectors that lie as real ones do."""

import pickle
import re
from collections import Counter
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
import pytest

from rap_platform.embeddings import indexing
from rap_platform.embeddings.encoders.minilm import Encoder
from rap_platform.embeddings.synthetic import verse
from rap_platform.embeddings.synthetic.database import made
from rap_platform.embeddings.synthetic.library import Library
from rap_platform.embeddings.synthetic.loading import MOST_SECTIONS, Source, sections_of
from rap_platform.embeddings.synthetic.questions import questions, subjects
from rap_platform.embeddings.synthetic.vectors import Surrogate, learn, likeness
from rap_platform.embeddings.synthetic.verse import Passage, Writer, as_heard, foreign, read_book, tail_word
from rap_platform.local.postgres import Cluster
from rap_platform.settings import Embeddings, Settings

SEED = 5


@pytest.fixture(scope="module")
def book() -> verse.Book:
    return read_book(SEED, songs=30)


@pytest.fixture(scope="module")
def library(book: verse.Book) -> Library:
    return Library(SEED, 400, book)


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", text.lower())


def test_a_song_is_the_same_in_any_order_and_process(book: verse.Book, library: Library) -> None:
    again = Library(SEED, 400, book)
    numbers = [7, 300, 12]
    assert [again.song(number) for number in reversed(numbers)][::-1] == [library.song(number) for number in numbers]
    assert library.song(7) != Library(SEED + 1, 400, book).song(7)


def test_a_hook_is_sung_alike_each_time_and_verses_are_not(library: Library) -> None:
    songs = [library.song(number) for number in range(50)]
    hooks = [{p.lines for p in song.passages if p.kind == "hook"} for song in songs]
    verses = [[p.lines for p in song.passages if p.kind == "verse"] for song in songs]
    assert {len(hook) for hook in hooks} == {1}
    assert all(len(set(sung)) == len(sung) for sung in verses)


def test_words_follow_a_law_with_a_long_tail(book: verse.Book, library: Library) -> None:
    counts = Counter(word for number in range(400) for p in library.song(number).passages for word in words(p.text))
    by_frequency = [count for _, count in counts.most_common()]
    in_book = {word for song in book for passage in song for word in words(passage.text)}
    assert sum(by_frequency[:100]) / counts.total() > 0.35
    assert len(set(counts) - in_book) > 5 * len(in_book)
    assert 0.4 < sum(count == 1 for count in by_frequency) / len(by_frequency) < 0.8


def test_lines_are_spliced_where_two_lines_share_a_word() -> None:
    book = ((Passage("verse", ("alone behind the river bank", "nobody crosses the frozen lake")),),)
    writer = Writer(SEED, book)
    said = {line for number in range(60) for passage in writer.song(number) for line in passage.lines}
    assert {"alone behind the frozen lake", "nobody crosses the river bank"} <= said


def test_copies_repeat_an_earlier_song_of_the_same_artist_with_a_few_words_changed(library: Library) -> None:
    copies = [song for song in map(library.song, range(400)) if song.copy_of is not None]
    assert 4 <= len(copies) <= 25
    for copy in copies:
        original = library.song(copy.copy_of or 0)
        lines = [
            (a, b)
            for p, q in zip(copy.passages, original.passages, strict=True)
            for a, b in zip(p.lines, q.lines, strict=True)
        ]
        assert (original.copy_of, original.artist, original.year) == (None, copy.artist, copy.year)
        assert original.number < copy.number
        assert sum(a == b for a, b in lines) >= 0.7 * len(lines)


def test_few_artists_have_many_songs_and_languages_have_their_share(library: Library) -> None:
    songs = [library.song(number) for number in range(400)]
    per_artist = Counter(song.artist for song in songs)
    assert library.artists == 27 == len(set(library.names))
    assert per_artist.most_common(1)[0][1] > 1.5 * 400 / 27
    assert 0.5 < sum(song.language == "en" for song in songs) / 400 < 1


def test_other_languages_share_no_word_with_english() -> None:
    made = {foreign(word, "fr") for word in ("night", "river", "gold", "Night")}
    assert len({word.lower() for word in made}) == 3
    assert not {word.lower() for word in made} & {"night", "river", "gold"}


def test_the_tail_goes_from_the_dictionary_to_words_that_are_heard_as_those_they_are_made_of() -> None:
    known = len(verse._known_words())
    assert tail_word(0) == verse._known_words()[0]
    misspelt = tail_word(known + 500)
    assert misspelt not in verse._known_words()[:5000]
    assert as_heard(f"my {misspelt}\ngone") == f"my {verse._known_words()[500]}\ngone"


def test_poems_are_read_from_a_file_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "poems.csv"
    stanza = "\n".join(f"line {number} of a made up poem" for number in range(5))
    path.write_text(f'artist,text\nNobody,"{stanza}\n\nshort"\n', encoding="utf-8")
    assert read_book(SEED, songs=2, verse=path)[2:] == ((Passage("verse", tuple(stanza.split("\n"))),),)
    path.write_text("artist,words\nNobody,none\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no column `text`"):
        read_book(SEED, songs=2, verse=path)
    path.write_text("artist,text\nNobody,one line\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no stanza of 4 lines"):
        read_book(SEED, songs=2, verse=path)


def test_a_library_of_no_songs_is_refused(book: verse.Book) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Library(SEED, 0, book)


def test_sections_lie_a_blank_line_apart(library: Library) -> None:
    song = library.song(3)
    rows = sections_of(song)
    lines = "\n\n".join(passage.text for passage in song.passages).split("\n")
    for row in rows:
        assert lines[row.first_line - 1] == row.text.split("\n")[0]
        assert row.section_id == 4 * MOST_SECTIONS + row.section_no


def test_questions_differ_and_are_of_the_library_half_of_the_time(library: Library) -> None:
    about = subjects(library, 20)
    stream = questions(library, about)
    asked = [next(stream) for _ in range(40)]
    sung = {line for song in about for passage in song.passages for line in passage.lines}
    assert len(set(asked)) == 40
    assert 8 <= sum(text in sung for text in asked) <= 16
    assert {song.language for song in about} == {"en"}


@pytest.fixture(scope="module")
def taught(library: Library, encoder: Encoder) -> tuple[list[str], np.ndarray, Surrogate]:
    texts = list(
        dict.fromkeys(p.lines[0] + "\n" + p.lines[-1] for song in library.held_out(60) for p in song.passages)
    )[:160]
    real = encoder.encode_whole(texts).vectors
    return texts, real, learn(texts, real, texts)


def test_made_vectors_have_neighbours_as_near_and_of_as_many_dimensions_as_real_ones(
    taught: tuple[list[str], np.ndarray, Surrogate],
) -> None:
    texts, real, surrogate = taught
    made, told = likeness(surrogate.encode(texts)), likeness(real)
    assert np.allclose(np.linalg.norm(surrogate.encode(texts), axis=1), 1, atol=1e-5)
    assert made.tenth == pytest.approx(told.tenth, abs=0.01)
    assert made.hundredth == pytest.approx(told.hundredth, abs=0.05)
    assert made.dimension == pytest.approx(told.dimension, rel=0.05)
    assert astuple(made) == pytest.approx(astuple(surrogate.fit.made), rel=0.01)


@pytest.mark.parametrize("dimension", [4, 12])
def test_the_local_dimension_is_that_of_the_sphere_the_vectors_lie_on(dimension: int) -> None:
    vectors = np.zeros((4000, 384), np.float32)
    vectors[:, : dimension + 1] = np.random.default_rng(7).standard_normal((4000, dimension + 1))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert likeness(vectors).dimension == pytest.approx(dimension, rel=0.2)


def test_made_vectors_mean_what_their_texts_mean(taught: tuple[list[str], np.ndarray, Surrogate]) -> None:
    texts, real, surrogate = taught
    own = (surrogate.encode(texts) * real).sum(axis=1).mean()
    others = (surrogate.encode(texts[::-1]) * real).sum(axis=1).mean()
    assert own > others + 0.15


def test_texts_that_share_lines_are_nearer_than_others(taught: tuple[list[str], np.ndarray, Surrogate]) -> None:
    texts, _, surrogate = taught
    shared, other, third = surrogate.encode([f"{texts[0]}\n{texts[1]}", texts[0], texts[2]])
    assert shared @ other > shared @ third + 0.2


def test_what_was_learned_is_kept_and_can_be_sent_to_another_process(
    taught: tuple[list[str], np.ndarray, Surrogate], tmp_path: Path
) -> None:
    texts, real, surrogate = taught
    surrogate.save(tmp_path / "kept.npz", real)
    loaded, kept = Surrogate.load(tmp_path / "kept.npz")
    assert np.array_equal(kept, real)
    assert loaded.fit == surrogate.fit
    for other in (loaded, pickle.loads(pickle.dumps(surrogate))):
        assert np.array_equal(other.encode(texts[:3]), surrogate.encode(texts[:3]))


def test_too_few_texts_to_learn_from_are_refused(taught: tuple[list[str], np.ndarray, Surrogate]) -> None:
    with pytest.raises(ValueError, match="39 texts are too few"):
        learn(taught[0][:39], taught[1][:39], taught[0])


def test_a_library_is_made_once_and_anew_when_asked(
    postgres_server: Cluster,
    library: Library,
    book: verse.Book,
    encoder: Encoder,
    taught: tuple[list[str], np.ndarray, Surrogate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = Library(SEED, 40, book)
    make = partial(made, postgres_server.dsn(), small, Source(book, taught[2]), encoder, workers=0, planted=2)
    dsn, figures = make(keep=True)
    with psycopg.connect(dsn) as conn:
        first = conn.execute("select created_at from reports where kind = 'synthetic'").fetchall()
        assert conn.execute("select count(*), max(track_id) from tracks").fetchone() == (40, 40)
        assert conn.execute("select count(*) from track_sections").fetchone() == (figures["sections"],)
        for table in ("section_vectors_minilm", "section_sounds"):
            unlike = f"select count(*) from {table} v join track_sections s using (section_id) where v.input_sha256 = s.text_sha256"
            assert conn.execute(unlike).fetchone() == (figures["sections"],)
        assert conn.execute("select count(*) from track_facts where original_id = track_id").fetchone() > (30,)
        assert conn.execute("select sections from distinct_words where word = 'the'").fetchone() > (60,)
        assert conn.execute("select count(*) from pg_indexes where tablename = 'track_sections'").fetchone() == (3,)
        planted = conn.execute(
            "select section_id, text from track_sections s where track_id = %s", [subjects(small, 2)[0].number + 1]
        )
        section_id, text = planted.fetchall()[0]
        stored = conn.execute(
            "select embedding::text from section_vectors_minilm where section_id = %s", [section_id]
        ).fetchone()
    assert stored is not None
    vector = np.array(stored[0].strip("[]").split(","), dtype=np.float32)
    assert vector @ encoder.encode_whole([text]).vectors[0] == pytest.approx(1, abs=1e-3)
    assert make(keep=True) == (dsn, figures)
    with monkeypatch.context() as others:
        others.setattr(indexing, "get_settings", lambda: Settings(embeddings=Embeddings(hnsw_m=4)))
        with monkeypatch.context() as killed, pytest.raises(ZeroDivisionError):
            killed.setattr(indexing, "measure_index", lambda *_, **__: 1 // 0)
            make(keep=True)
        measured: list[str] = []
        measure_index = indexing.measure_index
        others.setattr(
            indexing, "measure_index", lambda *of, **asked: measured.append("") or measure_index(*of, **asked)
        )
        again, rebuilt = make(keep=True)
        assert make(keep=True) == (again, rebuilt)
        assert len(measured) == 1, "the breadth is that of the index that is there"
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select created_at from reports where kind = 'synthetic'").fetchall() == first
        options = "select reloptions from pg_class where oid = 'section_vectors_minilm_hnsw'::regclass"
        assert conn.execute(options).fetchone() == (["m=4", "ef_construction=256"],)
    changed = {name for name in figures if figures[name] != rebuilt[name]}
    assert again == dsn
    assert "made_section_vectors_minilm_hnsw_s" in changed
    assert changed <= {name for name in figures if "hnsw" in name} | {"made_breadth_s", "index_ef_search"}
    assert make(keep=False)[0] == dsn
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select created_at from reports where kind = 'synthetic'").fetchall() > first
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as conn:
        conn.execute(f"drop database {psycopg.conninfo.conninfo_to_dict(dsn)['dbname']} with (force)")
