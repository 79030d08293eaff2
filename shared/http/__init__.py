"""HTTP in and out: one transaction per request, problem details, idempotency, tokens, pages, ETags, change feed."""

from shared.http.door import Moves, Router, Tx
from shared.http.paging import Page, cursor, etag, if_match, uncursor
from shared.http.people import Caller, Person, require
from shared.http.problems import lang, problem

__all__ = [
    "Caller",
    "Moves",
    "Page",
    "Person",
    "Router",
    "Tx",
    "cursor",
    "etag",
    "if_match",
    "lang",
    "problem",
    "require",
    "uncursor",
]
