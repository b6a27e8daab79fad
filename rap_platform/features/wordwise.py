"""What is known of each word of a lexicon whatever song it stands in, as arrays that are gathered per song. What it means is said elsewhere."""

import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from rap_platform.features.hearing import Lexicon, Small, Sound

_lock = threading.Lock()
_known: "WeakKeyDictionary[Lexicon, dict[Callable[[str], int], Small]]" = WeakKeyDictionary()


def of_words(sound: Sound, told: Callable[[str], int]) -> Small:
    """What a function says of each word of a song (-128 to 127); it is asked once for each word of the lexicon."""
    with _lock:
        by_function = _known.setdefault(sound.lexicon, {})
        values = by_function.get(told)
        count = len(sound.lexicon.texts)
        if values is None or len(values) < count:
            before = values if values is not None else np.empty(0, np.int8)
            fresh = [told(text) for text in sound.lexicon.texts[len(before) : count]]
            values = by_function[told] = np.concatenate((before, np.array(fresh, np.int8)))
    found: Small = values[sound.text]
    return found
