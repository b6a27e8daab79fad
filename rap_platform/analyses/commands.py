"""The command `rap-platform analyze`: reads lyrics, asks the ear and the rules, prints the page of page.py. Nothing is stored."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rap_platform.console import AsJson, out, refuse, settings, show_json

if TYPE_CHECKING:
    from rap_platform.analyses.page import Reading

# What would steer the terminal, or turn the text around in it, is shown as a mark in its place.
_STEERING = (*range(32), *range(127, 160), *range(0x200E, 0x2010), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = {code: "\ufffd" for code in _STEERING if chr(code) not in "\t\n"}


def analyze(
    file: Annotated[str, typer.Argument(help="A text file with lyrics, or - for standard input.")],
    as_json: AsJson = False,
) -> None:
    """Show a song's rhymes, figures, mood and themes, read by the rule-based analyst; nothing is stored."""
    shown = file.translate(_CONTROLS).replace("\n", "\ufffd")
    lyrics = _lyrics(file, shown)
    from rap_platform.analyses.page import Reading, page
    from rap_platform.analyses.results import Analysis
    from rap_platform.analyses.rules import analyse_text
    from rap_platform.embeddings.encoders.minilm import load_encoder
    from rap_platform.features.analysis import analyse
    from rap_platform.features.groups import rhyme_groups
    from rap_platform.features.multis import longest_rhymes
    from rap_platform.lyrics.languages import language_of

    analysis = analyse_text(lyrics, load_encoder(settings()))
    if not isinstance(analysis, Analysis):
        refuse(f"{shown}: {analysis.error}")
    title = "standard input" if file == "-" else Path(shown).name
    reading = Reading(
        title, lyrics, analysis, analyse(lyrics, language_of(lyrics)), rhyme_groups(lyrics), longest_rhymes(lyrics)
    )
    if as_json:
        show_json(_told(reading))
    else:
        coloured = out.is_terminal and out.color_system is not None and not out.no_color
        out.print(page(reading, width=out.width, coloured=coloured))


def _lyrics(file: str, shown: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        lyrics = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        refuse(f"{shown}: no such file")
    except OSError as error:
        refuse(f"{shown}: {error.strerror or error}")
    except UnicodeDecodeError as error:
        refuse(f"{shown}: not UTF-8 at byte {error.start}: save it as UTF-8")
    if not lyrics.strip() or "\0" in lyrics:
        refuse(f"{shown}: no lyrics in it (empty, or a binary file)")
    return lyrics.translate(_CONTROLS)


def _told(reading: "Reading") -> dict[str, Any]:
    """Everything, for programs: the analysis, all figures, the rhyming words of each line (from 1), the longest rhymes."""
    from rap_platform.features.analysis import LISTS
    from rap_platform.features.groups import letter

    features = asdict(reading.features)
    for name in LISTS:
        features[name] = None if features[name] is None else [item._asdict() for item in features[name]]
    return {
        "analyzer": "rule_based",
        "analysis": reading.analysis.model_dump(),
        "features": features,
        "rhymes": [
            {"line_no": number, "spans": [span._asdict() | {"letter": letter(span.group)} for span in spans]}
            for number, spans in enumerate(reading.groups, start=1)
            if spans
        ],
        "longest_rhymes": [multi._asdict() for multi in reading.multis],
    }
