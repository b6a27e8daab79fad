"""Mirrors rap_platform/resources."""
