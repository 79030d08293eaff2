"""Every refusal has its own rule and says itself in both languages."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pytest

from shared.trust import BadSignature, TrustError, refusals


def leaves(kind: type[TrustError]) -> Iterator[type[TrustError]]:
    """The classes that are raised."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


LEAVES = [kind for kind in leaves(TrustError) if kind.__module__ == refusals.__name__]


def test_rules_are_distinct() -> None:
    assert len({kind.rule for kind in LEAVES}) == len(LEAVES)
    assert len(LEAVES) > 15


@pytest.mark.parametrize("kind", LEAVES)
def test_both_sentences_name_the_same_facts(kind: type[TrustError]) -> None:
    named = [{field for _, field, _, _ in string.Formatter().parse(text) if field} for text in (kind.zh, kind.en)]
    facts = dict.fromkeys(named[0] | named[1], "-")
    refusal = kind(**facts)
    assert refusal.say("zh") != refusal.say("en")
    assert named[0] == named[1]


def test_the_language_is_chosen_by_its_tag() -> None:
    refusal = BadSignature(kid="east/escrow/1", topic="ctta.east.escrow")
    assert (
        refusal.say("zh-CN") == refusal.say("ZH") == "密钥 east/escrow/1 的签名与主题 ctta.east.escrow 上的记录不符。"
    )
    assert refusal.say("fr") == str(refusal)
