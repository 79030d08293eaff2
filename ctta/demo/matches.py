"""The matches that the centers decided, and the one the demo takes further."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from ctta.cli.words import Failure
from ctta.demo.people import Cast

Match = dict[str, Any]
PAGE: Final = 100


async def decided(cast: Cast, centers: Iterable[str]) -> list[Match]:
    """Every open match of the alliance, each from the center that decided it, the best first."""
    lists = await asyncio.gather(*(cast.officer(c).every("/matching/matches", limit=PAGE) for c in centers))
    matches = [match for of_center in lists for match in of_center if match["decided_here"]]
    return sorted(matches, key=lambda match: (-match["score"], match["match_id"]))


def across(matches: Iterable[Match]) -> list[Match]:
    """Those whose demand and offer are at two centers."""
    return [match for match in matches if match["demand_center"] != match["offer_center"]]


def candidates(matches: Iterable[Match]) -> list[Match]:
    """Technology for a demand, across centers, best first. Raises Failure when there is none."""
    found = [match for match in across(matches) if match["offer_kind"] == "technology"]
    if not found:
        raise Failure(
            "No match across centers is open any more: begin anew with --fresh.",
            "已没有未完成的跨中心匹配：请用 --fresh 重新开始。",
        )
    return found
