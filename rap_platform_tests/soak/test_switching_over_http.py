"""Sixteen clients of the real API search while indexes are rebuilt and the encoder is switched: nobody gets an error or a short page."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from rap_platform.benchmarks import api_of_its_own
from rap_platform.embeddings import filling, indexing
from rap_platform.embeddings.encoders import switching
from rap_platform.embeddings.encoders.registry import Encoders
from rap_platform.settings import Settings
from rap_platform.world import songwriter
from rap_platform_tests.embeddings.conftest import AddTrack, add_track, embedder_settings, shared_models

__all__ = ["add_track", "embedder_settings", "shared_models"]

CLIENTS = 16
SONGS = 200
LIMIT = 10
ENCODERS = ("minilm_int8", "minilm")
QUESTIONS = ("money in the morning", "lonely night", "the price of love", "hold the line", "rain on the street")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_no_answer_over_http_fails_or_is_short_while_indexes_are_rebuilt_and_the_encoder_switched(
    connection: psycopg.Connection, embedder_settings: Settings, add_track: AddTrack
) -> None:
    for number in range(SONGS):
        sections = songwriter.write(7, number // 5, number % 5).lyrics.split("\n\n")
        add_track(f"Song {number}", sections)
    encoders = Encoders(embedder_settings)
    for name in ENCODERS:
        filling.fill_sections(connection, lambda name=name: encoders.get(name), range(1024), name)
        filling.fill_lyrics(connection, range(1024), name)
    found = indexing.inventory(connection)
    built = indexing.build_missing(connection, found.vectors)
    indexing.store(connection, found, indexing.measure(connection, found.vectors), built)
    connection.commit()

    over = threading.Event()
    with api_of_its_own(embedder_settings) as root, ThreadPoolExecutor(CLIENTS) as clients:

        def client(number: int) -> tuple[int, set[str]]:
            """Ask until all is over: how many answers, and by which encoders. One that fails or is short fails the test."""
            answers, served = 0, set()
            with httpx.Client(base_url=root, timeout=60, trust_env=False) as http:
                while not over.is_set():
                    question = f"{QUESTIONS[number % len(QUESTIONS)]} {number} {answers}"
                    answer = http.get("/search", params={"q": question, "limit": LIMIT})
                    assert answer.status_code == 200, answer.text
                    assert len(answer.json()["results"]) == LIMIT
                    served.add(answer.json()["encoder"])
                    answers += 1
            return answers, served

        running = [clients.submit(client, number) for number in range(CLIENTS)]
        try:
            for name in (*ENCODERS, *ENCODERS):
                for rebuilt in ENCODERS:
                    for target in indexing.targets_of(rebuilt):
                        indexing.rebuild(connection, target)
                switching.switch(connection, name)
                connection.commit()
        finally:
            over.set()
        searched = [search.result(timeout=120) for search in running]
    assert all(answers > 0 for answers, _ in searched)
    assert set.union(*(served for _, served in searched)) == set(ENCODERS)
