"""Is the platform able to answer, and what is missing."""
