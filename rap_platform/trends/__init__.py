"""How rap changes over time."""
