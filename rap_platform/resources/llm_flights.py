"""One request that several threads ask at once is asked once. Knows nothing of what is asked."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """What is being asked for by which key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Future[T]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def join(self, key: str, work: Callable[[], T]) -> tuple[T, bool]:
        """Do the work, or wait for who does it already; gives what came, and whether another did it. Raises what the work raised."""
        ours = Future[T]()
        with self._lock:
            flight = self._flying.setdefault(key, ours)
        if flight is not ours:
            return flight.result(), True
        try:
            ours.set_result(work())
        except BaseException as error:
            ours.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flying[key]
        return ours.result(), False
