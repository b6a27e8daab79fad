"""Text that people send: what is refused before any work is done with it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

EXAMPLE_LYRICS = """[Verse 1]
I count the streetlights home, each one a debt I paid
The city hums a tune that older hands have made
My mother kept the lamp on, said the dark would fade
I learned to read by that lamp, that is how plans get laid
The corner store is closing and the owner knows my name
He lends me bread on Fridays and he never keeps the claim
I write it in a notebook, every kindness has a frame
So when the money finds me I will answer it the same

[Hook]
Keep the lamp on, keep the lamp on
I am coming up the road before the night is gone"""


def storable(text: str) -> str:
    """The text itself. Raises ValueError for a NUL character or half a surrogate pair, which PostgreSQL cannot store."""
    if "\x00" in text:
        raise ValueError("contains a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("contains half of a surrogate pair, which is no character; send whole characters in UTF-8")
    return text


def with_words(text: str) -> str:
    """The text itself. Raises ValueError when there is no letter in it."""
    if not any(character.isalpha() for character in text):
        raise ValueError("contains no words")
    return text


STORABLE = AfterValidator(storable)
# Lengths stand before what is asked of the whole text: after it they would be told as numbers of "items".
Lyrics = Annotated[
    str,
    Field(
        min_length=10,
        max_length=20_000,
        description="The lyrics, line by line; section headers such as [Hook] are understood.",
        examples=[EXAMPLE_LYRICS],
    ),
    STORABLE,
    AfterValidator(with_words),
]


class Body(BaseModel):
    """A request body: a field that we do not know is refused, since a misspelt option must not be ignored."""

    model_config = ConfigDict(extra="forbid")
