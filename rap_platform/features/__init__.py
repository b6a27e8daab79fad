"""What the ear hears."""
