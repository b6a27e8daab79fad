"""Find songs by what their lines mean."""
