"""The commands `rap-platform search`, `similar` and `recommend`: what to ask and how answers look in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from rap_platform.console import AsJson, out, refuse, running, show_json

if TYPE_CHECKING:
    import psycopg

    from rap_platform.embeddings.search.likeness import Weights
    from rap_platform.embeddings.search.question import Filters, Page

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="How many songs.")]
By = Annotated[
    str, typer.Option(help="lyrics, audio (how it sounds), analysis (mood and themes), or blend (all three).")
]
Language = Annotated[str | None, typer.Option(help="ISO 639 code, for example en.")]
Simulated = Annotated[
    bool | None, typer.Option("--simulated/--real", help="Only the simulated world's songs, or only real ones.")
]
Without = Annotated[list[str] | None, typer.Option("--without", help="Nothing by this artist; may be repeated.")]


def search(
    text: Annotated[str, typer.Argument(help="What the song says, in your words or in its own; misheard is fine.")],
    but_not: Annotated[str | None, typer.Option("--not", help="What the lines must not be like.")] = None,
    limit: Limit = 10,
    more: Annotated[
        str | None, typer.Option("--more", metavar="CURSOR", help="The next page, as printed below a page.")
    ] = None,
    artist: Annotated[str | None, typer.Option(help="Whose song it is.")] = None,
    include_features: Annotated[
        bool, typer.Option("--include-features", help="With --artist: songs where they are a guest, too.")
    ] = False,
    featuring: Annotated[str | None, typer.Option(help="A guest of the song.")] = None,
    not_featuring: Annotated[str | None, typer.Option(help="Who is no guest of the song.")] = None,
    year_from: Annotated[int | None, typer.Option(help="First year of release.")] = None,
    year_to: Annotated[int | None, typer.Option(help="Last year of release.")] = None,
    language: Language = None,
    mood: Annotated[str | None, typer.Option(help="A mood that the best analysis names, e.g. lonely.")] = None,
    theme: Annotated[str | None, typer.Option(help="A theme that the best analysis names, e.g. street_life.")] = None,
    rating: Annotated[str | None, typer.Option(help="The strongest language: G, PG, PG-13, R or NC-17.")] = None,
    explicit: Annotated[bool | None, typer.Option("--explicit/--clean", help="Only explicit songs, or none.")] = None,
    simulated: Simulated = None,
    as_json: AsJson = False,
) -> None:
    """Find songs by meaning, words and sound; shows the lines that matched, and why."""
    from rap_platform.embeddings.search.question import Filters, Question, SearchError, check

    filters = Filters(
        artist, include_features or None, featuring, not_featuring, year_from, year_to, language, mood, theme, rating,
        explicit, simulated,
    )  # fmt: skip
    _check_names(mood, theme)
    question = Question(text, but_not, filters, limit, more)
    try:
        check(question)
    except SearchError as error:
        refuse(str(error))
    with running("postgres") as ready:
        from rap_platform.embeddings.encoders.registry import EncoderError, Encoders
        from rap_platform.embeddings.search.finding import search as find
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            try:
                page = find(conn, Encoders(ready), question)
            except SearchError as error:
                refuse(str(error))
            except EncoderError as error:
                refuse(str(error), code=1)
    if as_json:
        show_json(asdict(page))
    else:
        _print_page(page, text, filters)


def similar(
    song: Annotated[str, typer.Argument(help='Number of the song, or "Artist - Title", or its title.')],
    by: By = "blend",
    limit: Limit = 10,
    language: Language = None,
    simulated: Simulated = None,
    without: Without = None,
    other_artists: Annotated[bool, typer.Option("--other-artists", help="Nothing by the same artist.")] = False,
    as_json: AsJson = False,
) -> None:
    """Songs like a song, without its copies."""
    from rap_platform.embeddings.search.likeness import Among
    from rap_platform.embeddings.search.similar import similar_tracks

    weights = _weights(by)
    with _asking() as conn:
        asked = _song(conn, song)
        among = Among(simulated, language, tuple(without or ()), other_artists)
        found = similar_tracks(conn, asked["track_id"], weights, limit=limit, among=among)
    if as_json:
        show_json({"asked": asked, "by": by, "results": [asdict(other) for other in found]})
        return
    out.print(Text("like ") + _title(asked) + Text(f" by {_BY[by]}", style="dim"))
    for place, other in enumerate(found, start=1):
        parts = ", ".join(f"{_BY[kind]} {value:.2f}" for kind, value in other.by.items()) if by == "blend" else ""
        _print_song(place, asdict(other), f"{other.similarity:.2f}{f' ({parts})' if parts else ''}")
    if not found:
        filtered = language or simulated is not None or without or other_artists
        out.print(
            "nothing found: take a filter away"
            if filtered
            else "nothing else has vectors to be compared by: rap-platform run"
        )


def recommend(
    liked: Annotated[list[str], typer.Argument(help='Songs you like: numbers, or "Artist - Title".')],
    disliked: Annotated[
        list[str] | None, typer.Option("--dislike", help="A song you don't like; may be repeated.")
    ] = None,
    diversity: Annotated[float, typer.Option(min=0, max=1, help="0: as near as can be, 1: as varied as can be.")] = 0.3,
    per_artist: Annotated[int, typer.Option(min=1, help="Songs that one artist may have.")] = 2,
    by: By = "blend",
    limit: Limit = 10,
    language: Language = None,
    simulated: Simulated = None,
    without: Without = None,
    other_artists: Annotated[bool, typer.Option("--other-artists", help="Nothing by the artists you name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Songs near those you like, varied, no song twice, each with the reason."""
    from rap_platform.embeddings.search import explaining
    from rap_platform.embeddings.search.likeness import Among
    from rap_platform.embeddings.search.recommending import Taste
    from rap_platform.embeddings.search.recommending import recommend as find

    weights = _weights(by)
    with _asking() as conn:
        likes, dislikes = ([_song(conn, song) for song in songs] for songs in (liked, disliked or []))
        taste = Taste(_numbers(likes), _numbers(dislikes), diversity, per_artist, limit)
        found = find(conn, taste, weights, among=Among(simulated, language, tuple(without or ()), other_artists))
    if as_json:
        show_json({"liked": likes, "disliked": dislikes, "results": [asdict(song) for song in found]})
        return
    out.print(Text("because you like ") + Text(", ").join(map(_title, likes)))
    for place, song in enumerate(found, start=1):
        reasons = (explaining.close_to(reason.title, reason.kind, reason.similarity) for reason in song.reasons)
        _print_song(place, asdict(song), "; ".join(reasons))
    if not found:
        out.print("nothing else is near these songs")


# ---- asking ---------------------------------------------------------------------------------------------------------


@contextmanager
def _asking() -> Iterator["psycopg.Connection[Any]"]:
    """A connection; what cannot be asked is refused."""
    from rap_platform.embeddings.search.question import SearchError

    with running("postgres"):
        from rap_platform.resources.postgres import connect

        with connect() as conn:
            try:
                yield conn
            except SearchError as error:
                refuse(str(error))
            except UnicodeEncodeError:
                refuse("what was typed holds half a character (a lone surrogate): type it anew")


def _check_names(mood: str | None, theme: str | None) -> None:
    from rap_platform.analyses.results import MOODS, THEMES

    for name, value, known in (("mood", mood, MOODS), ("theme", theme, THEMES)):
        if value is not None and value not in known:
            refuse(f"no {name} is called {value}: one of {', '.join(known)}")


def _weights(by: str) -> "Weights":
    from rap_platform.embeddings.search.likeness import KINDS, Weights

    kinds = [kind for kind in KINDS if by == kind]
    if not kinds and by != "blend":
        refuse(f"--by {by}: one of {', '.join(KINDS)}, blend")
    return Weights.only(kinds[0]) if kinds else Weights()


def _song(conn: "psycopg.Connection[Any]", asked: str) -> dict[str, Any]:
    """The song of a number or a name; refuses a name that fits none or several, and lists these."""
    from rap_platform.serving import queries

    if asked.strip().isascii() and asked.strip().isdigit():
        number = asked.strip().lstrip("0") or "0"
        found = queries.titles(conn, [int(number)]) if len(number) < 19 else []
        if not found:
            refuse(f"there is no track {number}")
        return found[0]
    found = queries.named(conn, asked)
    if not found:
        refuse(
            f'no song is called "{asked}": write "Artist - Title", or search for its number with `rap-platform search`'
        )
    if len(found) > 1:
        listed = "; ".join(f"{song['track_id']} {song['artist']} - {song['title']}" for song in found)
        refuse(f'several songs are called "{asked}": give the number of one ({_safe(listed)})')
    return found[0]


def _numbers(songs: list[dict[str, Any]]) -> tuple[int, ...]:
    return tuple(song["track_id"] for song in songs)


# ---- showing --------------------------------------------------------------------------------------------------------

_BY = {"lyrics": "lyrics", "audio": "sound", "analysis": "mood and themes", "blend": "lyrics, sound, mood and themes"}
_MARK = "bold yellow"
_INDENT = 4
# What would steer the terminal is shown as a mark in its place.
_STEERING = dict.fromkeys((*range(32), *range(127, 160), *range(8206, 8208), *range(8232, 8239), *range(8294, 8298)), "�")  # fmt: skip


def _safe(text: str) -> str:
    return text.translate(_STEERING)


def _title(song: dict[str, Any]) -> Text:
    text = Text(_safe(song["title"]), style="bold") + Text(f" by {_safe(song['artist'])}")
    if song["year"]:
        text += Text(f", {song['year']}")
    if song["simulated"]:
        text += Text(" (simulated)", style="magenta")
    return text


def _print_song(place: int, song: dict[str, Any], said: str) -> None:
    out.print(Text(f"{place:>2}. ", style="dim") + _title(song) + Text(f"  #{song['track_id']}", style="dim"))
    out.print(_indented(Text(_safe(said), style="dim")))


def _print_page(page: "Page", text: str, filters: "Filters") -> None:
    from rap_platform.embeddings.search import explaining

    for asked, found in page.corrected.items():
        out.print(
            Text("searched for ", style="dim")
            + Text(found, style="bold")
            + Text(f' instead of "{_safe(asked)}", which no song says', style="dim")
        )
    if not page.hits:
        remedy = (
            "take a filter away"
            if filters.set_names()
            else "is anything imported? (`rap-platform import FILE`, then `rap-platform run`)"
        )
        out.print(Text(f"nothing found: {remedy}"))
    for place, hit in enumerate(page.hits, start=1):
        out.print()
        out.print(
            Text(f"{place:>2}. ", style="dim")
            + _title(asdict(hit))
            + Text(f"  #{hit.track_id}, {hit.kind}", style="dim")
        )
        why = "; ".join(explaining.found_by(hit.why.meaning_rank, hit.why.words, hit.why.sounds, page.corrected))
        out.print(_indented(Text(_safe(why), style="italic dim")))
        for line in hit.lines:
            out.print(_line(line.line_no, line.text, line.spans, matched=line.matched))
    if page.next_cursor:
        out.print()
        out.print(Text("more: the same command with ", style="dim"), end="")
        out.print(Text(f"--more {page.next_cursor}"), soft_wrap=True)


def _line(line_no: int, text: str, spans: tuple[tuple[int, int], ...], *, matched: bool) -> Text:
    """A line of a song with its number; what was found is coloured, or stands between * where there is no colour."""
    coloured = out.is_terminal and out.color_system is not None and not out.no_color
    shown = Text(_safe(text), style="" if matched else "dim")
    if coloured:
        for start, end in spans:
            shown.stylize(_MARK, start, end)
    else:
        for start, end in sorted(spans, reverse=True):
            shown = shown[:start] + Text("*") + shown[start:end] + Text("*") + shown[end:]
    number = Text(f"{line_no:>{_INDENT + 3}} {'>' if matched else ' '} ", style="bold" if matched else "dim")
    return _hanging(number, shown)


def _indented(text: Text) -> Text:
    return _hanging(Text(" " * _INDENT), text)


def _hanging(first: Text, text: Text) -> Text:
    """The text wrapped to the terminal, its further lines below the first one's text."""
    width = max(20, out.width - first.cell_len)
    lines = text.wrap(out, width)
    gap = Text("\n" + " " * first.cell_len)
    return first + gap.join(lines)
