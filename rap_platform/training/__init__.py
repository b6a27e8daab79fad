"""What we learn from."""
