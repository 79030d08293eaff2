"""Reading import files: JSON lines and CSV, English and Chinese headings, odd encodings, bad rows by name."""

import json
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.listing.organisation import domain as organisations
from services.listing.organisation.domain import OrganisationContent
from services.listing.resource import domain
from services.listing.resource.content import Content
from services.listing.resource.refusals import NotReadable
from services.listing.resource.rows import Entry, entry, lines, unknown_columns
from shared.errors import Refused

SAMPLES = Path(__file__).parents[2] / "ctta" / "samples"
CSV_EN = (
    "external_id,kind,organisation,title_zh,title_en,summary_en,keywords_en,ipc,trl,"
    "price_min,price_currency,details_ip_status\n"
    'T-1,technology,O-1,电渗析,"Salt, split","Two\nlines",brine;salt,C02F1/469;B01D61/44,8,"1,800,000.50",CNY,granted\n'
    "\n"
    "T-2,technology,O-1,,Second,,,,,,,\n"
)
CSV_ZH = (
    "编号,类别,单位,标题,摘要,关键词,分类号,技术成熟度,最低价,转让方式,民生领域,公开范围\n"
    "T-1,技术成果,O-1,电渗析,分盐,膜、盐水；回用,C02F1/469,8,1800000,普通许可；作价入股,环境,内部\n"
)


def read(body: bytes | str, format: str = "csv") -> list[Entry | str]:
    """Entries, or the names of the rules that refuse them."""
    return [one(line) for line in lines(body.encode() if isinstance(body, str) else body, format)]  # type: ignore[arg-type]  # the tests' own literals


def one(line: object) -> Entry | str:
    try:
        return entry(line, "east")  # type: ignore[arg-type]  # as above
    except Refused as refusal:
        return refusal.rule if refusal.say("zh") else "no sentence"


def test_csv_with_english_headings() -> None:
    first, second = read(CSV_EN)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert isinstance(first.said, Content)
    assert (first.external_id, first.organisation) == ("T-1", "O-1")
    assert first.said.title.zh == "电渗析"
    assert first.said.summary.en == "Two\nlines"
    assert first.said.keywords == {"en": ["brine", "salt"]}
    assert first.said.ipc == ["C02F1/469", "B01D61/44"]
    assert first.said.price.min_minor == 180_000_050
    assert first.said.details == {"ip_status": "granted"}
    assert [line.number for line in lines(CSV_EN.encode(), "csv")] == [2, 5]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_with_chinese_headings_and_cells_in_any_encoding_of_a_chinese_office(encoding: str) -> None:
    (only,) = read(CSV_ZH.encode(encoding))
    assert isinstance(only, Entry)
    assert isinstance(only.said, Content)
    said = only.said
    assert (said.kind, said.tier, said.trl) == ("technology", "center", 8)
    assert said.keywords == {"zh": ["膜", "盐水", "回用"]}
    assert said.transfer_modes == ["licence_plain", "equity"]
    assert (said.livelihood, said.price.min_minor) == (["environment"], 180_000_000)


def test_organisations_in_both_formats() -> None:
    rows = read("编号,类别,机构名称,统一社会信用代码\nO-1,高校,燕麓医科大学,12999901MA1W74R25T\n")
    rows += read(
        orjson.dumps({"external_id": "O-1", "kind": "university", "name": {"en": "Yanlu"}, "uscc": None}), "jsonl"
    )
    assert all(isinstance(row, Entry) and isinstance(row.said, OrganisationContent) for row in rows)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (b"{", "not-a-row"),
        (b"[1]", "not-a-row"),
        (b'{"kind": "technology", "title": {"en": "x"}}', "external-id-missing"),
        (b'{"external_id": "1", "kind": "spaceship", "title": {"en": "x"}}', "unknown-kind"),
        (b'{"external_id": "1", "title": {"en": "x"}}', "unknown-kind"),
        (b'{"external_id": "1", "kind": "technology", "title": "x"}', "invalid-field"),
        (b'{"external_id": "1", "kind": "technology", "title": {"en": "x"}, "trl": 10}', "invalid-field"),
        (b'{"external_id": "1", "kind": "technology", "title": {"en": "x"}, "ipc": ["water"]}', "invalid-field"),
        (b'{"external_id": "1", "kind": "technology", "title": {"en": "x"}, "center": "south"}', "wrong-center"),
        (
            b'{"external_id": "1", "kind": "technology", "title": {"en": "x"}, "organisation": "\\u0000"}',
            "invalid-field",
        ),
        (b'{"external_id": {}, "kind": {}, "title": []}', "external-id-missing"),
        (b'{"external_id": 7, "kind": {}, "title": []}', "unknown-kind"),
    ],
)
def test_bad_rows_are_refused_by_name(row: bytes, rule: str) -> None:
    assert read(row, "jsonl") == [rule]


def test_bad_amounts_are_refused_and_only_their_row() -> None:
    amounts = ["cheap", "0.001", "5", "NaN"]
    rows = read("external_id,kind,title_en,price_min\n" + "".join(f"{a},technology,x,{a}\n" for a in amounts))
    assert [row if isinstance(row, str) else row.external_id for row in rows] == [
        "invalid-field",
        "invalid-field",
        "5",
        "invalid-field",
    ]


def test_a_file_that_is_no_table_is_refused_as_a_whole() -> None:
    for body in (b"\xff\xff\xff\xff", b"hello\nworld\n", b""):
        with pytest.raises(NotReadable):
            list(lines(body, "csv"))


def test_empty_lines_a_mark_and_windows_line_ends_do_no_harm() -> None:
    first, second = (f'{{"external_id": "{n}", "kind": "demand", "title": {{"en": "x"}}}}' for n in (1, 2))
    body = f"\ufeff{first}\r\n\r\n{second}\r\n"
    assert [line.number for line in lines(body.encode(), "jsonl")] == [1, 3]
    assert all(isinstance(row, Entry) for row in read(body, "jsonl"))


@pytest.mark.parametrize("name", ["organisations", "listings"])
def test_the_sample_market_is_accepted_whole(name: str) -> None:
    rows = list(lines((SAMPLES / f"{name}.jsonl").read_bytes(), "jsonl"))
    assert rows
    for line in rows:
        said = entry(line, line.fields["center"]).said
        assert not unknown_columns(line)
        if isinstance(said, Content):
            domain.check(said)
            domain.check_complete(said)
        else:
            organisations.check(said)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["zh", "en", "mode", "x"]), inner),
    max_leaves=5,
)
json_rows = st.fixed_dictionaries(
    {"external_id": json_values, "kind": st.sampled_from(["technology", "company"]) | json_values},
    optional=dict.fromkeys({"type", "name", "organisation", "center", *Content.model_fields} - {"kind"}, json_values),
)


@given(json_rows)
def test_whatever_a_row_holds_it_is_an_entry_or_refused_by_name(row: dict[str, object]) -> None:
    read(json.dumps(row), "jsonl")


def test_columns_nobody_knows_are_named_and_do_no_harm() -> None:
    (line,) = lines(b"external_id,kind,title_en,shoe size\n1,demand,x,42\n", "csv")
    assert unknown_columns(line) == {"shoe size"}
    assert isinstance(one(line), Entry)
