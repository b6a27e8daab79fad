"""Fixtures of the learning stages."""

from rap_platform_tests.training.tracking import empty_store, materialize, tracking

__all__ = ["empty_store", "materialize", "tracking"]
