"""The rating that the champion model expects for lyrics."""
