"""Text to terms: English words are stemmed, Chinese runs become bigrams. The same text always gives the same terms."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from services.matching.index.words import FUNCTION_CHARACTERS, GENERAL, GENERAL_BIGRAMS, STOPWORDS
from shared.schemas.base import Text
from shared.schemas.listing import ListingState

TEXT_VERSION: Final = 1
"""Raised when the same text would give other terms; stored terms of an older version are made again."""

TITLE_TIMES: Final = 2
"""A title counts as often as this."""

WORD_LETTERS_MAX: Final = 40

_TOKEN: Final = re.compile(r"(?P<zh>[\u3400-\u9fff]+)|[a-z0-9]*[a-z][a-z0-9]*")


def _stemmer() -> TextAnalyzer:
    return TextAnalyzerBuilder(Tokenizer.whitespace()).filter(Filter.stemmer("english")).build()


_STEMMER: Final = _stemmer()


def stems(words: list[str]) -> list[str]:
    """Snowball stems of lower-case English words, one for each."""
    return list(_STEMMER.analyze(" ".join(words)))


def bigrams(run: str) -> list[str]:
    """The bigrams of a run of Chinese characters; a lone character stays itself."""
    if len(run) == 1:
        return [] if run in FUNCTION_CHARACTERS else [run]
    pairs = (run[i : i + 2] for i in range(len(run) - 1))
    return [pair for pair in pairs if pair[0] not in FUNCTION_CHARACTERS and pair[1] not in FUNCTION_CHARACTERS]


def terms(text: str) -> list[str]:
    """The terms of a text in either language, repeats kept, English first."""
    words: list[str] = []
    chinese: list[str] = []
    for match in _TOKEN.finditer(text.lower()):
        token = match.group()
        if match["zh"]:
            chinese += bigrams(token)
        elif 1 < len(token) <= WORD_LETTERS_MAX and token not in STOPWORDS:
            words.append(token)
    return (stems(words) if words else []) + chinese


def both(text: Text) -> str:
    """Both languages of a text."""
    return f"{text.en}\n{text.zh}"


def listing_terms(listing: ListingState) -> Counter[str]:
    """How often each term occurs in a listing; title and keywords count TITLE_TIMES."""
    keywords = "\n".join(word for words in listing.keywords.values() for word in words)
    found: Counter[str] = Counter()
    for term in terms(f"{both(listing.title)}\n{keywords}"):
        found[term] += TITLE_TIMES
    parts = (listing.summary, listing.problem, listing.solution, listing.advantages)
    found.update(terms("\n".join(both(part) for part in parts)))
    return found


def listing_text(listing: ListingState) -> str:
    """The words of a listing as they stand, lower-case, title first: where the spelling of a matched term is found."""
    keywords = "\n".join(word for words in listing.keywords.values() for word in words)
    parts = (listing.title, listing.summary, listing.problem, listing.solution, listing.advantages)
    return "\n".join([both(listing.title), keywords, *(both(part) for part in parts[1:])]).lower()


def codes(ipc: Iterable[str], livelihood: Iterable[str], industry: Iterable[str]) -> list[str]:
    """Classification as index terms: IPC subclass and main group, livelihood field, GB/T 4754 division."""
    found: set[str] = set()
    for symbol in ipc:
        plain = symbol.replace(" ", "").upper()
        found |= {f"ipc:{plain[:4]}", f"ipc:{plain.split('/')[0]}"}
    found |= {f"liv:{field.lower()}" for field in livelihood}
    found |= {f"ind:{code[:3].upper()}" for code in industry}
    return sorted(code for code in found if not code.endswith(":"))


GENERAL_TERMS: Final = frozenset(stems(sorted(GENERAL))) | GENERAL_BIGRAMS
"""Terms that say little, as they stand in the index."""
