"""Tests; the folders mirror rap_platform."""
