"""Languages: named when sure, otherwise unknown."""

import pytest

from rap_platform.lyrics.languages import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Rain on the window, a light in the hall\nI wrote you a letter and hung up the call", "en"),
        ("La pluie tombe sur la fenêtre et je t'écris une lettre que tu ne liras pas", "fr"),
        ("Regen am Fenster und Licht im Flur, ich schrieb dir einen Brief und legte auf", "de"),
        ("Дождь стучит в окно, и в доме снова горит свет\nЯ написал тебе письмо, но ты его не прочитала", "ru"),
        ("la la la", None),
        ("1234 !!! 5678 ... 9999 ??? 0000 ---", None),
        ("", None),
    ],
)
def test_a_language_is_named_or_unknown(text: str, language: str | None) -> None:
    assert detect_language(text) == language
