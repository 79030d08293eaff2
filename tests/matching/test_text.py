"""English and Chinese text to terms, and back to words that people read."""

from services.matching.index.engine import Entry, FullText
from services.matching.index.text import codes, listing_terms, listing_text, terms
from services.matching.match.wording import joined, spelled, told
from shared.schemas.base import Text
from tests.matching.market import listing


def test_english_words_are_stemmed_without_function_words() -> None:
    assert terms("The membranes, for Zero-Liquid discharge of 450 brines &nbsp;") == [
        "membran", "zero", "liquid", "discharg", "brine",
    ]  # fmt: skip


def test_chinese_runs_become_bigrams_across_which_no_function_character_reaches() -> None:
    assert terms("高盐废水的处理") == ["高盐", "盐废", "废水", "处理"]
    assert terms("TiO2 光催化") == ["tio2", "光催", "催化"]
    assert terms("铜") == ["铜"]
    assert terms("的") == []


def test_a_title_counts_twice() -> None:
    found = listing_terms(listing("x", title="Membrane", summary=Text(en="membrane stack", zh="膜堆")))
    assert found == {"membran": 3, "stack": 1, "膜堆": 1}


def test_codes_are_what_neighbours_share() -> None:
    assert codes(["C02F 1/469"], ["environment"], ["C3591"]) == [
        "ind:C35", "ipc:C02F", "ipc:C02F1", "liv:environment",
    ]  # fmt: skip
    assert codes([""], [], []) == []


def test_terms_are_told_as_they_are_spelled() -> None:
    text = listing_text(listing("x", title="Drying energies of Membranes"))
    assert [spelled(stem, text) for stem in ("membran", "energi", "dri", "absent")] == [
        "membranes", "energies", "drying", "absent",
    ]  # fmt: skip


def test_bigrams_grow_to_the_words_both_texts_have() -> None:
    shares = {"高盐": 0.5, "废水": 0.25, "膜堆": 0.25}
    words = joined(shares, "印染高盐废水处理，膜堆", "某高盐废水零排放；用膜堆")
    assert words == {"高盐废水": 0.75, "膜堆": 0.25}
    assert joined({"高盐": 1.0}, "高盐", "废水") == {"高盐": 1.0}, "what is not in both texts stays as it is"


def test_weights_of_told_terms_keep_their_sum() -> None:
    shares = {"membran": 0.5, "高盐": 0.3, "盐废": 0.2}
    found = told(shares, "membranes 高盐废水", "membrane 高盐废水")
    assert [(term.term, term.weight) for term in found] == [("membranes", 0.5), ("高盐废水", 0.5)]


def entry(id: str, slot: str, text: str, **fields: str) -> Entry:
    found = {term: 1 for term in terms(text)}
    return Entry(id, slot, fields.get("center", "east"), fields.get("organisation", id), found, [])


def test_the_index_finds_both_languages_and_keeps_conditions() -> None:
    index = FullText()
    for one in (
        entry("a", "technology", "Electrodialysis of brine"),
        entry("b", "technology", "印染高盐废水电渗析"),
        entry("c", "technology", "电渗析膜堆", center="south"),
        entry("d", "demand/technology", "brine 电渗析"),
    ):
        index.put(one)
    index.commit()
    assert index.search(terms("electrodialysis"), kind=None, limit=9) == ["a"]
    assert set(index.search(terms("电渗析"), kind=None, limit=9)) == {"b", "c", "d"}
    assert index.search(terms("电渗析"), kind="demand", limit=9) == ["d"]
    assert index.search(["膜"], kind=None, limit=9) == ["c"], "a lone character finds too"
    assert index.search([], kind=None, limit=9) == []
    asking = entry("d", "demand/technology", "brine 电渗析", organisation="b")
    boosts = dict.fromkeys(asking.terms, 1.0)
    found = index.counterparts(asking, boosts, slots=["technology"], center=None, limit=9)
    assert set(found) == {"a", "c"}, "not the asker's own organisation, not another kind"
    assert index.counterparts(asking, boosts, slots=["technology"], center="south", limit=9) == ["c"]
    assert index.counterparts(asking, boosts, slots=[], center=None, limit=9) == []


def test_replaced_and_removed_listings_are_found_no_more() -> None:
    index = FullText()
    index.put(entry("a", "technology", "laser"))
    index.commit()
    index.put(entry("a", "technology", "brine"))
    index.commit()
    assert index.search(["laser"], kind=None, limit=9) == []
    assert index.search(["brine"], kind=None, limit=9) == ["a"]
    index.remove("a")
    index.commit()
    assert index.search(["brine"], kind=None, limit=9) == []
    assert index.statistics.texts["en"] == 1, "a listing counts once in the statistics"
