"""Words that no dictionary lists are said from their letters."""

import lzma

from rap_platform.features.letter_benchmark import Accuracy, accuracy, split
from rap_platform.features.letter_to_sound import Phones, aligned, fit, guess, packed, unpacked
from rap_platform.features.phonetics import dictionary

TAUGHT: list[tuple[str, Phones]] = [
    ("bat", ("B", "AE1", "T")),
    ("bit", ("B", "IH1", "T")),
    ("tab", ("T", "AE1", "B")),
    ("tip", ("T", "IH1", "P")),
]


def test_a_guess_has_exactly_one_primary_stress_and_sounds_right() -> None:
    assert " ".join(guess("moneymaker")) == "M AH1 N IY0 M EY2 K ER0"
    assert " ".join(guess("rapperella")) == "R AE1 P ER0 EH2 L AH0"
    assert guess("flamzoid")[-2:] == ("OY2", "D")
    for word in ("zorbatrix", "flamzoid", "brixelation"):
        assert sum(phone.endswith("1") for phone in guess(word)) == 1


def test_a_model_of_few_words_repeats_what_it_was_taught() -> None:
    model = fit(aligned(TAUGHT), rare=1, prune=0.0)
    assert [guess(word, model) for word, _ in TAUGHT] == [phones for _, phones in TAUGHT]
    assert guess("", model) == ()
    assert guess("zzz", model) == ()


def test_a_model_comes_back_from_its_bytes_and_the_same_words_give_the_same_bytes() -> None:
    sample = [(word, ways[0]) for word, ways in list(dictionary().items())[40_000:40_500] if word.isalpha()]
    model = fit(aligned(sample))
    data = packed(model)
    assert unpacked(data) == model
    assert packed(fit(aligned(sample))) == data
    assert lzma.decompress(data).startswith(f"{model.order} {len(model.units)} {len(model.unit)}\n".encode())


def test_a_model_says_words_that_it_never_saw_better_than_letters_alone_do() -> None:
    entries = [(word, ways) for word, ways in list(dictionary().items())[::20] if word.isalpha()]
    taught, asked = split(entries)
    assert not {word for word, _ in taught} & {word for word, _ in asked}
    words = aligned((word, ways[0]) for word, ways in taught)

    def measured(order: int) -> Accuracy:
        model = fit(words, order=order)
        return accuracy([guess(word, model) for word, _ in asked[:400]], [ways for _, ways in asked[:400]])

    ours, alone = measured(5), measured(1)
    assert ours.phone_error_rate < 0.2 < alone.phone_error_rate
    assert ours.words > 0.35 > alone.words


def test_accuracy_is_that_of_the_nearest_pronunciation() -> None:
    said = [("B", "AE1", "T"), ("K", "AH0", "M", "IY1")]
    known: list[tuple[Phones, ...]] = [(("B", "IH1", "T"), ("B", "AE1", "T")), (("K", "AA1", "M", "IY0"),)]
    assert accuracy(said, known) == Accuracy(1 / 7, 0.5, 0.5, 0.5, 1.0)
