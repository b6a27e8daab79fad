"""How rap changes over the years: the newest trend report."""
