"""Stage 5, what the analysts say: moods, themes, scores and evidence, by rules and by an LLM, and how far they agree."""
