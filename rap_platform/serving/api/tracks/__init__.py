"""One song with everything known about it."""
