"""How good it is, honestly."""
