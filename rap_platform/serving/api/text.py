"""Text that people send: what is refused before any work is done with it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

EXAMPLE_LYRICS = (
    "I count the streetlights home, each one a debt I paid,\n"
    "the city hums a tune that older hands have made,\n"
    "my mother kept the lamp on, said the dark would fade,\n"
    "I learned to read by that lamp, and that's how plans get laid."
)


def without_nul(text: str) -> str:
    """The text itself. Raises ValueError when it holds a NUL character, which PostgreSQL cannot store."""
    if "\x00" in text:
        raise ValueError("contains a NUL character; remove it")
    return text


def with_words(text: str) -> str:
    """The text itself. Raises ValueError when there is no letter in it."""
    if not any(character.isalpha() for character in text):
        raise ValueError("contains no words")
    return text


Text = Annotated[str, AfterValidator(without_nul)]
Lyrics = Annotated[
    Text,
    AfterValidator(with_words),
    Field(
        min_length=10,
        max_length=20_000,
        description="The lyrics, line by line; section headers such as [Hook] are understood.",
        examples=[EXAMPLE_LYRICS],
    ),
]


class Body(BaseModel):
    """A request body: a field that we do not know is refused, since a misspelt option must not be ignored."""

    model_config = ConfigDict(extra="forbid")
