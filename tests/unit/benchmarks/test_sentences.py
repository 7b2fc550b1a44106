"""The made-up sentences of the two halves have nothing in common, and say where what is planted stands."""

from benchmarks.curation.halves import Half
from benchmarks.curation.sentences import made, reported, said, tuning
from curation.personal_data.numbers import is_iban, is_luhn
from tests.unit.curation.personal_data.test_reading import read


def test_the_halves_share_no_template_name_street_or_host() -> None:
    for name in ("FIRST", "LAST", "STREETS", "HOSTS", "CLEAN"):
        assert set(getattr(tuning, name)) & set(getattr(reported, name)) == set(), name
    for kind in made.SHARES:
        assert set(tuning.PLANTED[kind]) & set(reported.PLANTED[kind]) == set(), kind


def test_what_is_planted_stands_where_it_says() -> None:
    for sentence in made.planted(Half.TUNING, 7):
        words = sentence.text.split()
        assert sentence.planted
        assert max(sentence.planted) < len(words)
        assert max(sentence.planted) - min(sentence.planted) + 1 == len(sentence.planted)


def test_the_same_seed_makes_the_same_sentences_and_another_makes_others() -> None:
    assert made.planted(Half.TUNING, 7) == made.planted(Half.TUNING, 7)
    assert made.clean(Half.TUNING, 7) != made.clean(Half.TUNING, 8)


def test_cards_and_accounts_have_right_check_digits() -> None:
    cards = [each for each in made.planted(Half.TUNING, 7) if each.kind == "card"]
    spoken = [" ".join(each.text.split()[place] for place in sorted(each.planted)) for each in cards]

    assert all(is_luhn("".join(read(each))) for each in spoken)
    assert is_iban(said.iban("DE", "370400440532013000").upper())
