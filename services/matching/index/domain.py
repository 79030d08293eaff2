"""What a term is worth, which terms of a listing ask, and how much of them another listing answers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nlargest
from math import log
from typing import Final

from shared.schemas.listing import ListingState

QUERY_TERMS: Final = 40
"""Terms of one language that ask; more cost time and add noise."""

BACKGROUND_TEXTS: Final = 60
"""Texts that every index is thought to have seen before its first: a young market has no statistics of its own."""

BACKGROUND_SHARE: Final = 0.4
"""Share of the background texts that hold a general word ("system", 技术)."""

EVIDENCE: Final = 5.0
"""Added to what a query asks for, so that two met words of a three-word text are no match of two thirds."""

SATURATION: Final = 3.0
"""Occurrences of a term that earn half of what any number of them can. Of 1 to 5, the value that ranks best the known
pairs of a development set (government demands, project abstracts) without hurting the first place."""

TERMS_TYPICAL: Final = 220
"""Occurrences of terms in a text of usual length; longer ones need more repeats for the same effect."""

NEED_MAX: Final = 60
"""Characters of a need that are looked at; what another center writes into `details` may be anything."""


def need_of(demand: ListingState) -> str:
    """What a demand needs (`details.kind_of_need`); `technology` where it does not say."""
    return str(demand.details.get("kind_of_need") or "technology")[:NEED_MAX]


def slot_of(listing: ListingState) -> str:
    """Where the index keeps a listing: its kind, for a demand with what it needs."""
    return f"demand/{need_of(listing)}" if listing.kind == "demand" else listing.kind


LANGUAGES: Final = ("en", "zh")


def language(term: str) -> str:
    """The language of a term: "zh" from the first CJK ideograph on."""
    return "zh" if term[0] >= "\u3400" else "en"


def languages(terms: Iterable[str]) -> set[str]:
    """The languages in which a text says anything."""
    return {language(term) for term in terms}


@lru_cache(50_000)
def rarity(texts: int, holding: float) -> float:
    """Inverse document frequency in 0..1: 1 for a term nobody else has."""
    return log(1 + (texts - holding + 0.5) / (holding + 0.5)) / log(1 + (texts + 0.5) / 0.5)


@dataclass
class Statistics:
    """In how many texts each term occurs. A listing counts once, with the first text seen of it; what is withdrawn
    stays counted, as words do not become rarer by a withdrawal."""

    general: frozenset[str] = frozenset()
    texts: Counter[str] = field(default_factory=Counter)
    holding: Counter[str] = field(default_factory=Counter)

    def count(self, terms: Iterable[str]) -> None:
        """Count one more text."""
        distinct = list(terms)
        self.holding.update(distinct)
        self.texts.update(languages(distinct))

    def rarity(self, term: str) -> float:
        """How rare a term is in its language, 0..1."""
        texts = self.texts[language(term)] + BACKGROUND_TEXTS
        background = BACKGROUND_TEXTS * BACKGROUND_SHARE if term in self.general else 0.0
        return rarity(texts, self.holding[term] + background)


Query = dict[str, dict[str, float]]
"""What a text asks for: language, term, weight."""


def query(terms: Mapping[str, int], statistics: Statistics) -> Query:
    """The QUERY_TERMS weightiest terms of each language: frequency in the text, damped, times rarity."""
    weighed: Query = {}
    for term, times in terms.items():
        weighed.setdefault(language(term), {})[term] = times / (times + SATURATION) * statistics.rarity(term)
    for lang, found in weighed.items():
        if len(found) > QUERY_TERMS:
            top = nlargest(QUERY_TERMS, found.items(), key=lambda item: (item[1], item[0]))
            weighed[lang] = dict(top)
    return weighed


def answered(asked: Query, terms: Mapping[str, int]) -> tuple[float, dict[str, float]]:
    """How much of what is asked a text answers, 0..1, in the language where it answers most; and by which terms.

    The second value gives each met term's part; the parts sum to the first.
    """
    length = sum(terms.values())
    damp = SATURATION * (0.25 + 0.75 * length / TERMS_TYPICAL)
    best: tuple[float, dict[str, float]] = (0.0, {})
    for lang in LANGUAGES:
        wanted = asked.get(lang, {})
        whole = sum(wanted.values()) + EVIDENCE
        met = {
            term: weight * times / (times + damp) / whole
            for term, weight in wanted.items()
            if (times := terms.get(term))
        }
        total = sum(met.values())
        if total > best[0]:
            best = (total, met)
    return best
