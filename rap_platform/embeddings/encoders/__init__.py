"""Texts into vectors: the registry of encoders and what each is made of."""
