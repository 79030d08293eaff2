"""`ctta trace`: one deal, listing or trace across services and centers."""

from enum import StrEnum
from typing import Annotated

import typer

from ctta.cli.words import Failure, say


class What(StrEnum):
    """What is followed."""

    DEAL = "deal"
    LISTING = "listing"
    TRACE = "trace"


def trace(
    what: Annotated[What, typer.Argument(help="deal, listing, trace")],
    id: Annotated[str, typer.Argument(help=say("its id", "编号"))],
    every: Annotated[
        bool,
        typer.Option(
            "--all", help=say("also centers that only followed public events", "同时显示仅跟随公开事件的中心")
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))] = False,
) -> None:
    """Reads the files in <home>/traces, or what CTTA_TRACE_SOURCE names (Jaeger, Tempo). Exit code 1: nothing found."""
    from ctta import waterfall
    from ctta.cli.output import console, write_json
    from ctta.cli.standing import base_settings
    from shared.traces import Story, source, story

    spans = source(base_settings())
    if what is What.TRACE:
        told = Story(frozenset({id}), sorted(spans.trace(id), key=lambda span: (span.start_ns, -span.end_ns)))
    else:
        told = story(spans, [id], parties_only=not every)
    if not told.spans:
        raise Failure(
            f"No span of {what} {id}. Spans are written a second after the fact; CTTA_HOME or CTTA_TRACE_SOURCE says "
            "where they are read.",
            f"没有 {what} {id} 的链路数据。数据在事后约一秒写出；读取位置由 CTTA_HOME 或 CTTA_TRACE_SOURCE 指定。",
        )
    if json:
        write_json(waterfall.as_json(told))
        return
    shown = console()
    shown.print(waterfall.draw(told))
    for note in waterfall.notes(told):
        shown.print(note, markup=False)
