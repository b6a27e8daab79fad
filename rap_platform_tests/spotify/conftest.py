"""The service that answers as told."""

from collections.abc import Iterator

import pytest

from rap_platform_tests.spotify.service import Service, serving


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service
