"""With the extra `pii`, names are found that nothing announces."""

import pytest

from corpus.words import PersonalKind
from curation.personal_data.find import find
from curation.personal_data.spacy_names import SpacyNames, load_names


@pytest.fixture(scope="module")
def names() -> SpacyNames:
    loaded = load_names()
    assert loaded is not None
    return loaded


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("did sarah feed the dog", "sarah"),
        ("is there any mail for gustav lindqvist", "gustav lindqvist"),
        ("kwame okafor broke the window", "kwame okafor"),
        ("play the message from rose", "rose"),
    ],
)
def test_a_name_without_a_capital_is_found(names: SpacyNames, text: str, name: str) -> None:
    words = text.split()
    found = find(text, "en-US", names)

    assert name in [" ".join(words[each.first : each.stop]) for each in found if each.kind is PersonalKind.NAME]


@pytest.mark.parametrize("text", ["turn on the kitchen lights", "what's the weather in london", "read me the news"])
def test_what_names_nobody_is_left_alone(names: SpacyNames, text: str) -> None:
    assert find(text, "en-US", names) == ()


def test_a_town_after_a_street_belongs_to_the_address(names: SpacyNames) -> None:
    [found] = find("i live at twelve oak street springfield", "en-US", names)

    assert (found.first, found.stop, found.kind) == (3, 7, PersonalKind.ADDRESS)
