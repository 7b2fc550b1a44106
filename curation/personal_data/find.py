"""Everything in a text that may be personal data, as spans of its words."""

from collections.abc import Iterable, Iterator, Sequence

from corpus.words import PersonalKind
from curation.personal_data.addresses import find_addresses
from curation.personal_data.births import find_births
from curation.personal_data.emails import find_emails
from curation.personal_data.found import Found, merged
from curation.personal_data.language import language_of, region_of
from curation.personal_data.names import NameSpotter, find_names
from curation.personal_data.numbers import find_numbers
from curation.personal_data.reading import pieces, runs

VERSION = 1
"""Grows whenever a rule or a word list changes what is found."""


def find(text: str, locale: str, spotter: NameSpotter | None = None) -> tuple[Found, ...]:
    """In order, none overlapping another. The text may be a label, or as a recogniser writes it, digits included."""
    language, spoken = language_of(locale), pieces(text)
    numbers = runs(spoken, language)
    found = [
        *find_emails(spoken, language),
        *find_numbers(spoken, numbers, language, region_of(locale)),
        *find_births(spoken, language),
        *find_addresses(spoken, numbers, language),
    ]
    names = [*find_names(spoken, language, spotter)]
    return merged([*found, *(each for each in names if each.kind is not PersonalKind.PLACE), *_places(found, names)])


def _places(found: Iterable[Found], names: Sequence[Found]) -> Iterator[Found]:
    """A town tells of somebody where it ends an address; alone, as in a question for the weather, it does not."""
    ends = {each.stop for each in found if each.kind is PersonalKind.ADDRESS}
    for place in sorted(names):
        end = next((end for end in ends if place.first - 1 <= end < place.stop), None)
        if end is not None:
            ends.add(place.stop)
            yield Found(end - 1, place.stop, PersonalKind.ADDRESS, place.rule)
