"""Sentences as pages say them, in the languages there are."""

from app.core.languages import translations


def said(locale: str, sentence: str) -> str:
    """The sentence in that language; it must have been translated."""
    spoken = translations(locale).gettext(sentence)
    assert locale == "en" or spoken != sentence, sentence
    return spoken
