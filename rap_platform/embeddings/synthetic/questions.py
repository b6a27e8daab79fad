"""Questions to a synthetic library: its own lines as they are or half remembered, and lines of songs that are not in it. Pure."""

from collections.abc import Iterator
from itertools import count

from rap_platform.embeddings.synthetic.library import Library, Song
from rap_platform.embeddings.synthetic.verse import reworded

MOST_CHANGED = 3  # words of a line that is half remembered
LEAST_WORDS = 4


def subjects(library: Library, most: int) -> list[Song]:
    """Up to `most` English originals of the library, spread over it, always the same."""
    chance = library.writer.chance("subjects")
    numbers = chance.sample(range(library.songs), min(library.songs, 3 * most))
    songs = (library.song(number) for number in numbers)
    return [song for song in songs if song.language == "en" and song.copy_of is None][:most]


def lines(song: Song) -> list[str]:
    """The lines of a song that are long enough to ask for."""
    return [line for passage in song.passages for line in passage.lines if len(line.split()) >= LEAST_WORDS]


def questions(library: Library, about: list[Song]) -> Iterator[str]:
    """Questions without end, all different: a line of the library as sung, one half remembered, one or two of a song it lacks."""
    chance = library.writer.chance("questions")
    strangers = library.held_out(1 << 40)
    asked: set[str] = set()
    for number in count():
        kind = number % 4
        if kind < 2:
            said = lines(chance.choice(about))
            if not said:
                continue
            text = chance.choice(said)
            if kind == 1:
                text = reworded(chance, text, chance.randint(1, MOST_CHANGED))
        else:
            said = lines(next(strangers)) or ["nothing to say at all"]
            at = chance.randrange(len(said))
            text = " ".join(said[at : at + (1 if kind == 2 else 2)])
        if text not in asked:
            asked.add(text)
            yield text
