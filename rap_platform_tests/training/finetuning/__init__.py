"""Tests of the fine-tuned models: tiny random ones that are made here; nothing is downloaded."""
