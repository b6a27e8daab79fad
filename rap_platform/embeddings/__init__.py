"""Stage 4, what the text means: section, track, audio and analysis vectors in pgvector, and the search over them."""
