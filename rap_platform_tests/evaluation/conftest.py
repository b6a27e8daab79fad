"""Fixtures of the learning stages."""

from rap_platform_tests.embeddings.conftest import shared_models
from rap_platform_tests.training.tracking import empty_store, materialize, tracking

__all__ = ["empty_store", "materialize", "shared_models", "tracking"]
