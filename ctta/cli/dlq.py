"""`ctta dlq`: events that could not be applied."""

from typing import Annotated, Any

import typer

from ctta.cli.words import Exit, Failure, say, tell

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Center = Annotated[str | None, typer.Option(help=say("center (CTTA_CENTER)", "中心编号（CTTA_CENTER）"))]
Json = Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))]
Who = Annotated[str, typer.Option(help=say("who decides this", "操作人"))]
Why = Annotated[str, typer.Option(help=say("why", "原因"))]


@app.command("list", help=say("Held events and halted topics.", "被搁置的事件与停止的主题。"))
def list_(
    center: Center = None,
    state: Annotated[str | None, typer.Option(help="parked, waiting")] = None,
    json: Json = False,
) -> None:
    """Parked events wait for an operator, waiting ones for a predecessor. Exit code 1 when something is parked."""
    import asyncio

    from ctta.cli.output import write_json, write_table
    from ctta.cli.standing import of_centers
    from ctta.held import listed

    if state not in (None, "parked", "waiting"):
        raise Failure("--state is parked or waiting.", "--state 只能是 parked 或 waiting。", Exit.USAGE)
    found = [asyncio.run(listed(settings, state)) for settings in of_centers(center)]
    held, halted = [row for one, _ in found for row in one], [row for _, one in found for row in one]
    if json:
        write_json({"held": held, "halted": halted})
    elif held or halted:
        rows: list[tuple[Any, ...]] = [
            (h["group"], h["state"], h["type"], h["id"], h["waits_for"] or h["rule"], h["at"].isoformat("T", "seconds"))
            for h in held
        ]
        rows += [
            (h["group"], "halted", h["topic"], h["id"], h["rule"], h["since"].isoformat("T", "seconds")) for h in halted
        ]
        heads = ("group", "state", "type", "event", "rule", "since")
        write_table(heads, rows)
    else:
        print(say("Nothing is held.", "没有被搁置的事件。"))
    stuck = halted or any(row["state"] == "parked" for row in held)
    raise typer.Exit(int(Exit.FAILED if stuck else Exit.OK))


@app.command(
    "show", help=say("One held event: headers, error, history.", "查看一个被搁置的事件：消息头、错误、处理记录。")
)
def show(event: str, center: Center = None, json: Json = False) -> None:
    """Sealed bodies are not opened."""
    import asyncio

    from ctta.cli.output import console, write_json
    from ctta.cli.standing import of_centers
    from ctta.held import find

    found = [row for settings in of_centers(center) for row in asyncio.run(find(settings, _uuid(event)))]
    if not found:
        raise Failure(f"No held event {event}.", f"没有被搁置的事件 {event}。")
    if json:
        write_json(found)
        return
    for row in found:
        for name, value in row.items():
            console().print(f"{name:<12} {value}", markup=False)
        print()


@app.command("replay", help=say("Apply held events again, in order of their key.", "按键内顺序重新处理被搁置的事件。"))
def replay(
    who: Who,
    why: Why,
    event: Annotated[str | None, typer.Argument(help=say("id of the event; or --all", "事件编号；或 --all"))] = None,
    every: Annotated[bool, typer.Option("--all", help=say("everything that is held", "全部被搁置的事件"))] = False,
    center: Center = None,
    json: Json = False,
) -> None:
    """The whole queue of its key is tried; halted topics go on. Exit code 1 when something stays held."""
    if bool(event) == every:
        raise Failure("Name an event, or --all.", "请指定一个事件，或使用 --all。", Exit.USAGE)
    _act("replay", event, center, who, why, json)


@app.command("drop", help=say("Give one held event up for good.", "永久放弃一个被搁置的事件。"))
def drop(event: str, who: Who, why: Why, center: Center = None, json: Json = False) -> None:
    """What waits behind it goes on without it. Think before you drop money."""
    _act("drop", event, center, who, why, json)


def _act(action: str, event: str | None, center: str | None, who: str, why: str, json: bool) -> None:
    import asyncio
    from dataclasses import asdict

    from ctta.cli.output import write_json
    from ctta.cli.standing import of_centers

    if not who.strip() or not why.strip():
        raise Failure("Say who and why.", "请说明操作人和原因。", Exit.USAGE)
    done = asyncio.run(_at(action, _uuid(event) if event else None, of_centers(center), who, why))
    if json:
        write_json([asdict(one) for one in done])
    for one in done:
        tell(
            f"{one.group}: {one.action} {len(one.event_ids)}, {one.left} left",
            f"{one.group}：{one.action} {len(one.event_ids)}，剩余 {one.left}",
        )
    if not done:
        raise Failure(
            "Nothing was held there, or it stays held: see `ctta dlq list`.",
            "没有对应的搁置事件，或仍被搁置：见 `ctta dlq list`。",
        )
    if any(one.left for one in done):
        raise typer.Exit(int(Exit.FAILED))


async def _at(action: str, event: str | None, places: list[Any], who: str, why: str) -> list[Any]:
    from uuid import UUID

    from ctta.held import bench
    from ctta.services import ALL, load

    done: list[Any] = []
    for settings in places:
        for service in load([ALL]):
            async with bench(settings, service, who=who, why=why) as at:
                if action == "drop":
                    done += await at.drop(UUID(event))
                else:
                    done += await at.replay(UUID(event) if event else None)
    return done


def _uuid(text: str) -> str:
    from uuid import UUID

    try:
        return str(UUID(text))
    except ValueError:
        raise Failure(f"{text} is no event id.", f"{text} 不是事件编号。", Exit.USAGE) from None
