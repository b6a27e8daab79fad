"""A second connection is taken only where nobody misses it."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from rap_platform.serving.api import database as db
from rap_platform.settings import Settings


@pytest.fixture
def pool(settings: Settings, database: str) -> Iterator[db.Pool]:
    """The API's pool, full."""
    pool = db.new_pool(settings.model_copy(update={"database_url": SecretStr(database)}))
    assert pool is not None
    with pool:
        pool.wait(20)
        yield pool


def test_a_second_connection_is_idle_and_another_one(pool: db.Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "cores", lambda: 2)
    for _ in range(3):
        with db.reading(pool) as one, db.spare(pool) as two:
            assert two is not None
            assert one is not two
            assert two.execute("select 1").fetchone() == (1,)
    assert pool.get_stats()["pool_available"] == 2


def test_no_second_connection_is_taken_from_whom_it_would_slow_down(
    pool: db.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "cores", lambda: 2)
    with db.reading(pool), db.reading(pool), db.spare(pool) as third:
        assert third is None
    monkeypatch.setattr(db, "cores", lambda: 1)
    with db.reading(pool), db.spare(pool) as second:
        assert second is None
    monkeypatch.setattr(db, "cores", lambda: 64)
    with db.reading(pool), db.reading(pool), db.spare(pool) as grown:  # the pool grows behind, nobody waits for it
        assert grown is None
    with db.spare(None) as nothing:
        assert nothing is None
