"""Says the retention clocks in words, for notices and for the pages of whoever lends a voice. Pure."""

from datetime import timedelta

from corpus.settings import Settings


def retention_in_words(settings: Settings) -> str:
    """One sentence a clock, and one for all that no clock ends."""
    return " ".join(
        (
            _sentence("The original of a recording", settings.raw_retention, "after a clip was made of it"),
            _sentence("A recording that was refused", settings.refused_retention, "after that"),
            _sentence("A recording that nobody has reviewed", settings.unreviewed_retention, "after it was measured"),
            "All else is kept until you take it back, delete it or close your account.",
        )
    )


def _sentence(what: str, retention: timedelta | None, since: str) -> str:
    if retention is None:
        return f"{what} is kept until you take it back."
    return f"{what} is erased {_in_words(retention)} {since}."


def _in_words(retention: timedelta) -> str:
    """Whole days, for clocks run out at midnight."""
    days = max(1, -(-retention // timedelta(days=1)))
    return "a day" if days == 1 else f"{days} days"
