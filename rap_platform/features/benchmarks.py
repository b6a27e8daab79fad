"""How fast the ear is; how well it hears rhymes is measured in rhyme_benchmark.py."""
