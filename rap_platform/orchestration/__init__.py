"""When and how things run; nothing about rap."""
