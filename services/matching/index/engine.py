"""The full-text index of one process: tantivy in memory, disposable, rebuilt from the candidate table.

Nothing here is the truth: what it finds is looked up in the table before it counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tantivy import Document, Index, Occur, Query, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from services.matching.index.domain import Statistics
from services.matching.index.text import GENERAL_TERMS

WRITER_BYTES: Final = 15_000_000
CODE_BOOST: Final = {"ipc": 3.0, "ind": 1.0, "liv": 0.5}
"""How much a shared classification counts while candidates are gathered, against one ordinary term."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A published listing as the index keeps it. `slot` is its kind, a demand's with its need: `demand/technology`."""

    listing_id: str
    slot: str
    center: str
    organisation_id: str
    terms: dict[str, int]
    codes: list[str]


class FullText:
    """Put, remove, commit, search. One writer; searches see the last commit."""

    def __init__(self) -> None:
        builder = SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        for name in ("kind", "slot", "center", "organisation"):
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("codes", tokenizer_name="whitespace", index_option="basic")
        self._schema = builder.build()
        self._index = Index(self._schema)
        self._index.register_tokenizer("whitespace", TextAnalyzerBuilder(Tokenizer.whitespace()).build())
        self._writer = self._index.writer(WRITER_BYTES, 1)
        self._searcher = self._index.searcher()
        self.statistics = Statistics(general=GENERAL_TERMS)
        self._counted: set[str] = set()

    def put(self, entry: Entry) -> None:
        """Add or replace one listing."""
        self.remove(entry.listing_id)
        words = " ".join(f"{term} " * times for term, times in entry.terms.items())
        characters = " ".join(
            {letter for term in entry.terms if term[0] >= "\u3400" and len(term) > 1 for letter in term}
        )
        self._writer.add_document(
            Document(
                id=entry.listing_id,
                kind=entry.slot.partition("/")[0],
                slot=entry.slot,
                center=entry.center,
                organisation=entry.organisation_id,
                text=f"{words} {characters}",
                codes=" ".join(entry.codes),
            )
        )
        if entry.listing_id not in self._counted:
            self._counted.add(entry.listing_id)
            self.statistics.count(entry.terms)

    def remove(self, listing_id: str) -> None:
        """Take one listing out, if it is in."""
        self._writer.delete_documents_by_term("id", listing_id)

    def commit(self) -> None:
        """Make everything put and removed visible. Costs some 15 ms however little it is: once per batch."""
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def counterparts(
        self, entry: Entry, boosts: dict[str, float], *, slots: Iterable[str], center: str | None, limit: int
    ) -> list[str]:
        """Ids of listings that may answer `entry`, best first: of one of `slots`, of another organisation, and of
        `center` where one is named. `boosts` are the terms that ask."""
        asking = [self._boosted("text", term, weight) for term, weight in boosts.items()]
        asking += [self._boosted("codes", code, CODE_BOOST[code[:3]]) for code in entry.codes]
        if not asking:
            return []
        clauses = [
            (Occur.Must, Query.boolean_query(asking)),
            (Occur.Must, Query.const_score_query(Query.term_set_query(self._schema, "slot", list(slots)), 0.0)),
            (Occur.MustNot, self._exactly("organisation", entry.organisation_id)),
        ]
        if center:
            clauses.append((Occur.Must, self._exactly("center", center)))
        return self._ids(Query.boolean_query(clauses), limit)

    def search(self, terms: Iterable[str], *, kind: str | None, limit: int) -> list[str]:
        """Ids of the listings that hold most of `terms`, best first; only those of one kind where it is named."""
        asking = [self._boosted("text", term, 1.0) for term in terms]
        if not asking:
            return []
        clauses = [(Occur.Must, Query.boolean_query(asking))]
        if kind:
            clauses.append((Occur.Must, self._exactly("kind", kind)))
        return self._ids(Query.boolean_query(clauses), limit)

    def _exactly(self, field: str, value: str) -> Query:
        """A condition that does not touch the score."""
        return Query.const_score_query(Query.term_query(self._schema, field, value, index_option="basic"), 0.0)

    def _boosted(self, field: str, value: str, boost: float) -> tuple[Occur, Query]:
        option = "freq" if field == "text" else "basic"
        term = Query.term_query(self._schema, field, value, index_option=option)
        return Occur.Should, Query.boost_query(term, boost)

    def _ids(self, query: Query, limit: int) -> list[str]:
        found = self._searcher.search(query, limit=limit, count=False).hits
        ranked = [(-round(score, 4), str(self._searcher.doc(address)["id"][0])) for score, address in found]
        return [listing_id for _, listing_id in sorted(ranked)]
