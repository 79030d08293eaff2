"""A story as a waterfall: who did what when, indented by cause, with a bar on a common time axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from ctta.cli.words import say
from shared.traces import Span, Story

BAR_WIDTH: Final = 24
COLOURS: Final = ("cyan", "magenta", "yellow", "green", "blue", "red")


@dataclass(frozen=True, slots=True)
class Row:
    """One span, or several of the same operation under the same parent. `depth`: how far from the first span."""

    span: Span
    depth: int
    times: int
    end_ns: int


def rows(spans: Sequence[Span]) -> list[Row]:
    """Spans in order of their start, each under the one that caused it; equal siblings in a row become one."""
    children: dict[str, list[Span]] = {}
    known = {span.span_id for span in spans}
    for span in spans:
        children.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
    return list(_under("", 0, children))


def _under(parent: str, depth: int, children: dict[str, list[Span]]) -> Iterator[Row]:
    for group in _alike(children.get(parent, []), children):
        yield Row(group[0], depth, len(group), max(span.end_ns for span in group))
        yield from _under(group[0].span_id, depth + 1, children)


def _alike(spans: Sequence[Span], children: dict[str, list[Span]]) -> list[list[Span]]:
    """Neighbours without children of their own that do the same at the same place are one group."""
    groups: list[list[Span]] = []
    for span in spans:
        last = groups[-1] if groups else None
        if (
            last
            and _same(last[-1]) == _same(span)
            and not (children.get(span.span_id) or children.get(last[0].span_id))
        ):
            last.append(span)
        else:
            groups.append([span])
    return groups


def _same(span: Span) -> tuple[str, str, str, str, str]:
    return span.trace_id, span.center, span.service, operation(span), span.error


def draw(story: Story) -> Table:
    """The waterfall as a table."""
    drawn = rows(story.spans)
    began, ended = _extent(story.spans)
    colours = dict(zip(story.centers, COLOURS * (len(story.centers) // len(COLOURS) + 1), strict=False))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(say("center", "中心"), no_wrap=True)
    table.add_column(say("service", "服务"), no_wrap=True)
    table.add_column(say("operation", "操作"), overflow="fold", ratio=1)
    table.add_column(say("start", "开始"), justify="right", no_wrap=True)
    table.add_column(say("took", "用时"), justify="right", no_wrap=True)
    table.add_column("", width=BAR_WIDTH, no_wrap=True)
    for row in drawn:
        span, colour = row.span, colours.get(row.span.center, "white")
        name = Text("  " * row.depth + operation(span) + (f"  x{row.times}" if row.times > 1 else ""))
        if span.error:
            name.append(f"  {span.error}", style="bold red")
        bar = Text(_bar(span.start_ns, row.end_ns, began, ended), style="red" if span.error else colour)
        table.add_row(
            Text(span.center, style=colour), span.service, name, f"+{(span.start_ns - began) / 1e9:.3f} s",
            _took(row.end_ns - span.start_ns), bar,
        )  # fmt: skip
    return table


def operation(span: Span) -> str:
    """What was done: the span's name, the event's type, the noun that handled it."""
    event = str(span.attributes.get("cloudevents.event_type", ""))
    noun = str(span.attributes.get("messaging.consumer.group.name", "")).rsplit(".", 1)[-1]
    return span.name + (f"  {event.removeprefix('ctta.')}" if event else "") + (f"  [{noun}]" if noun else "")


def _extent(spans: Sequence[Span]) -> tuple[int, int]:
    return min(span.start_ns for span in spans), max(span.end_ns for span in spans)


def _bar(start: int, end: int, began: int, ended: int) -> str:
    whole = max(ended - began, 1)
    left = min(int((start - began) / whole * BAR_WIDTH), BAR_WIDTH - 1)
    width = max(1, min(round((end - start) / whole * BAR_WIDTH), BAR_WIDTH - left))
    return " " * left + "█" * width


def _took(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < 1e9 else f"{nanoseconds / 1e9:.2f} s"


def notes(story: Story) -> list[str]:
    """What a reader should know beside the rows."""
    said = [
        say(f"{len(story.spans)} spans of {len({s.trace_id for s in story.spans})} traces; services: "
            f"{', '.join(story.services)}; centers: {', '.join(story.centers)}.",
            f"共 {len(story.spans)} 个 span，{len({s.trace_id for s in story.spans})} 条链路；"
            f"服务：{'、'.join(story.services)}；中心：{'、'.join(story.centers)}。")
    ]  # fmt: skip
    said += [
        say(f"Center {center} shares no spans: what it did is known here by its events only.",
            f"中心 {center} 未共享链路数据：此处仅能通过其事件了解其操作。")
        for center in story.silent
    ]  # fmt: skip
    said += [
        say(f"{count} spans of {center}, which only followed public events, are left out (--all shows them).",
            f"已省略 {center} 的 {count} 个 span（该中心仅跟随公开事件，--all 可显示）。")
        for center, count in story.bystanders.items()
    ]  # fmt: skip
    return said


def as_json(story: Story) -> dict[str, Any]:
    """The story for a script. `start` is UTC, durations are milliseconds."""
    return {
        "ids": sorted(story.ids),
        "services": story.services,
        "centers": story.centers,
        "silent": list(story.silent),
        "left_out": story.bystanders,
        "spans": [
            {
                "trace_id": span.trace_id,
                "span_id": span.span_id,
                "parent_id": span.parent_id,
                "service": span.service,
                "center": span.center,
                "operation": span.name,
                "event": span.attributes.get("cloudevents.event_type"),
                "topic": span.topic or None,
                "start": datetime.fromtimestamp(span.start_ns / 1e9, UTC).isoformat(),
                "duration_ms": round((span.end_ns - span.start_ns) / 1e6, 3),
                "error": span.error or None,
            }
            for span in story.spans
        ],
    }
