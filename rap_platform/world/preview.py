"""Prints a song and its hidden truth: `python -m rap_platform.world.preview --artist 3 --song 1`. For people; nothing imports it."""

import argparse

from rap_platform.settings import get_settings
from rap_platform.world import songwriter, truth


def main() -> None:
    """Print one song."""
    parser = argparse.ArgumentParser(description="Print a song of the simulated world with its hidden truth.")
    parser.add_argument("--artist", type=int, default=0, help="index of the artist")
    parser.add_argument("--song", type=int, default=0, help="index of the song within the artist")
    parser.add_argument("--seed", type=int, default=None, help="the world's seed; the configured one by default")
    chosen = parser.parse_args()
    seed = get_settings().world_seed if chosen.seed is None else chosen.seed
    told, song = truth.song(seed, chosen.artist, chosen.song), songwriter.write(seed, chosen.artist, chosen.song)
    print(f"{truth.artist(seed, chosen.artist).name} – {song.title} ({told.year})")
    print(
        f"themes {', '.join(told.themes)} | mood {told.mood} | craft {told.craft:.2f} freshness {told.freshness:.2f} "
        f"charisma {told.charisma:.2f} quality {told.quality:.1f} | rated {[given.rating for given in truth.ratings(seed, chosen.artist, chosen.song)]}"
    )
    print(f"{len(song.lyrics.split())} words\n\n{song.lyrics}")


if __name__ == "__main__":
    main()
