"""Mirrors rap_platform/orchestration."""
