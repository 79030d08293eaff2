"""`ctta import`: a file of listings or organisations into a center, over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

from ctta.cli.words import Exit, Failure, say, tell


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help=say("CSV or JSON lines, also .gz", "CSV 或 JSON Lines，可为 .gz")
        ),
    ],
    center: Annotated[str, typer.Option(help=say("center it goes to", "目标中心"), envvar="CTTA_CENTER")],
    url: Annotated[
        str | None,
        typer.Option(
            help=say("where the center answers; default: the running alliance", "中心地址；默认为正在运行的联盟")
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="CTTA_TOKEN",
            help=say("bearer token of a member or officer (better: CTTA_TOKEN)", "令牌（建议用环境变量 CTTA_TOKEN）"),
        ),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish", help=say("submit and publish in the same go (officers)", "同时提交并发布（仅管理人员）")
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help=say("the whole report as an object", "以 JSON 输出完整报告"))
    ] = False,
) -> None:
    """The same file again changes nothing. Refused rows are named with their rule; then the exit code is 1.

    On a development alliance an officer's token is made on the spot.
    """
    import asyncio

    from ctta.cli.output import progress, write_json, write_table
    from ctta.importing import load_into
    from services.listing.resource.imports import ImportReport

    whole = ImportReport()
    with progress() as bar:
        task = bar.add_task(file.name, total=None)

        def moved(rows: int, total: int) -> None:
            bar.update(task, advance=rows, total=total)

        asyncio.run(load_into(whole, file, center, url=url, token=token, publish=publish, moved=moved))
    refused = [row for row in whole.rows if row.result == "refused"]
    if json:
        write_json(whole.model_dump(mode="json"))
    else:
        if refused:
            rows = [
                (row.line, row.external_id, row.rule, row.sentence.say(say("en", "zh")) if row.sentence else "")
                for row in refused
            ]
            write_table((say("line", "行"), "external id", say("rule", "规则"), say("why", "原因")), rows)
        for column in whole.ignored_columns:
            tell(f"Column {column} is not known and was left out.", f"未知列 {column} 已忽略。")
        made, changed, same, wrong = whole.created, whole.updated, whole.unchanged, whole.refused
        en = f"{made} created, {changed} updated, {same} unchanged, {wrong} refused."
        print(say(en, f"新增 {made}，更新 {changed}，未变 {same}，拒绝 {wrong}。"))
    raise typer.Exit(int(Exit.FAILED if refused else Exit.OK))


def unknown_center(center: str) -> Failure:
    """No address for the center."""
    return Failure(
        f"Where does {center} answer? Give --url, or start the embedded alliance with `ctta up`.",
        f"不知道 {center} 的地址：请用 --url 指定，或用 `ctta up` 启动内置联盟。",
        Exit.USAGE,
    )
