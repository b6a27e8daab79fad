"""The simulated outside: a songwriter, a rating panel and stand-ins for Genius, Spotify and an LLM, all over HTTP."""
