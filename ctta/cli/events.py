"""`ctta events`: the event catalogue and its JSON Schemas."""

from pathlib import Path
from typing import Annotated

import typer

from ctta.cli.words import Exit, Failure, say, tell

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))]
Folder = Annotated[Path, typer.Option(help=say("folder of the committed schemas", "已提交 Schema 的目录"))]
SCHEMAS = Path("docs/schemas")


@app.command("list", help=say("Every event type: who may read it, what it says.", "全部事件类型：谁可读取、说明什么。"))
def list_(json: Json = False) -> None:
    """In the order of their names."""
    from ctta.cli.output import write_json, write_table
    from ctta.schemas import catalogue

    rows = [
        (name, event.scope.value, event.subject_field, _first_line(event.__doc__))
        for name, event in catalogue().items()
    ]
    if json:
        write_json([dict(zip(("type", "scope", "subject", "says"), row, strict=True)) for row in rows])
    else:
        write_table(("type", "scope", "subject", say("says", "说明")), rows)


@app.command("show", help=say("The JSON Schema of one event type.", "一个事件类型的 JSON Schema。"))
def show(event: str) -> None:
    """`ctta.escrow.deal.opened.v1`, or `deal.opened`."""
    import json

    from ctta.schemas import catalogue, schema_of

    found = [one for name, one in catalogue().items() if event in (name, one.event_name, one.__name__)]
    if not found:
        raise Failure(
            f"There is no event {event}: see `ctta events list`.",
            f"没有事件 {event}：见 `ctta events list`。",
            Exit.USAGE,
        )
    print(json.dumps(schema_of(found[0]), ensure_ascii=False, indent=1))


@app.command("check", help=say("Compare the events with those of the last release.", "将事件与上一版本比较。"))
def check(folder: Folder = SCHEMAS, json: Json = False) -> None:
    """New types and new optional fields with a default are allowed, and listed; any other change breaks peers that have
    not upgraded (exit code 1): make a new version. `ctta events export` belongs to a release.
    """
    from ctta.cli.output import write_json
    from ctta.schemas import differences, read

    if not folder.is_dir():
        raise Failure(
            f"There is no folder {folder}: `ctta events export` makes it.",
            f"没有目录 {folder}：请运行 `ctta events export`。",
            Exit.USAGE,
        )
    broken, fresh = differences(read(folder))
    if json:
        write_json({"broken": broken, "since_release": fresh})
    else:
        for line in broken + fresh:
            print(line)
        if not broken and not fresh:
            print(say("The events are as released.", "事件与上一版本一致。"))
    if broken:
        tell("Peers that have not upgraded would break: publish a new version beside the old one.",
             "尚未升级的中心将受影响：请在旧版本之外发布新版本。")  # fmt: skip
    raise typer.Exit(int(Exit.FAILED if broken else Exit.OK))


@app.command("document", help=say("Write docs/events.md from the code.", "由代码生成 docs/events.md。"))
def document(file: Annotated[Path, typer.Option(help=say("where to", "写到何处"))] = Path("docs/events.md")) -> None:
    """Every event: who says it, who reads it, its fields. A test keeps it current."""
    from ctta.events_document import document as written

    file.write_text(written(), encoding="utf-8")
    tell(f"Written: {file}", f"已写出：{file}")


@app.command("export", help=say("Write the schemas of a release.", "写出发布版本的 Schema。"))
def export(folder: Folder = SCHEMAS) -> None:
    """One file per event type, named after it. Refuses (exit code 1) what would break peers."""
    from ctta.schemas import differences, read, write

    broken, _ = differences(read(folder)) if folder.is_dir() else ([], [])
    if broken:
        raise Failure("\n".join([*broken, "Nothing was written."]), "\n".join([*broken, "未写入任何文件。"]))
    tell(f"{len(write(folder))} schemas in {folder}", f"已写出 {len(write(folder))} 个 Schema 到 {folder}")


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]
