"""Songs that nobody wrote, for measuring at sizes that nobody has: texts and vectors with the statistics of real ones. Benchmarks only."""
