"""How met terms are told to people: English stems as they are spelled in the text, Chinese bigrams joined to words."""

import re
from collections.abc import Mapping
from typing import Final

from services.matching.index.domain import language
from services.matching.index.text import bigrams, stems
from services.matching.index.words import GENERAL_BIGRAMS
from services.matching.match.domain import TERMS_MAX
from shared.schemas.matching import MatchedTerm

WORD_MAX: Final = 8
"""Longest Chinese word that is joined from bigrams, in characters."""

_RUN: Final = re.compile(r"[\u3400-\u9fff]{2,}")


def told(shares: Mapping[str, float], demand_text: str, offer_text: str) -> list[MatchedTerm]:
    """The TERMS_MAX weightiest met terms, as the demand spells them; a word's weight is the sum of its parts'."""
    english = {term: share for term, share in shares.items() if language(term) == "en"}
    chinese = {term: share for term, share in shares.items() if language(term) == "zh"}
    weighed = joined(chinese, demand_text, offer_text) | english
    top = sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:TERMS_MAX]
    return [
        MatchedTerm(term=spelled(term, demand_text) if term in english else term, weight=round(weight, 4))
        for term, weight in top
    ]


def spelled(stem: str, text: str) -> str:
    """The first word of `text` that has this stem; the stem itself where none is found."""
    start = re.escape(stem[:-1] if len(stem) > 2 else stem)
    words = list(dict.fromkeys(re.findall(rf"(?<![a-z0-9]){start}[a-z0-9]*", text)))
    return next((word for word, its in zip(words, stems(words), strict=True) if its == stem), stem) if words else stem


def joined(shares: Mapping[str, float], demand_text: str, offer_text: str) -> dict[str, float]:
    """Met bigrams grow to the longest word around them that both texts have; each counts once."""
    words = {word for run in _RUN.findall(demand_text) for word in _common(run, offer_text)} | shares.keys()
    left = dict(shares)
    found: dict[str, float] = {}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        parts = [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        weight = sum(left.pop(part, 0.0) for part in parts)
        if weight:
            found[word] = weight
    return found


def _common(run: str, text: str) -> list[str]:
    """The parts of a run, up to WORD_MAX characters, that `text` has as well; general words end a part."""
    found, start = [], 0
    while start < len(run) - 1:
        end = start + 1
        while (
            end < min(len(run), start + WORD_MAX) and _specific(run[end - 1 : end + 1]) and run[start : end + 1] in text
        ):
            end += 1
        if end - start > 1:
            found.append(run[start:end])
        start = max(end - 1, start + 1)
    return found


def _specific(bigram: str) -> bool:
    return bool(bigrams(bigram)) and bigram not in GENERAL_BIGRAMS
