"""`ctta demo`: the whole story on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from ctta.cli.words import say


def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "folder with demands.jsonl[.gz] and offers.jsonl[.gz]; default: the sample market",
                "含 demands.jsonl[.gz] 与 offers.jsonl[.gz] 的目录；默认使用示例数据",
            ),
            exists=True,
            file_okay=False,
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=say("so many of each", "每类最多多少条"))] = None,
    once: Annotated[bool, typer.Option("--once", help=say("end after the story", "演示结束后退出"))] = False,
    json: Annotated[
        bool, typer.Option("--json", help=say("print one object as the last line", "最后一行输出 JSON 对象"))
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help=say("delete the data of this home and begin anew", "删除该目录的数据并重新开始")),
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh, en")] = None,
    home: Annotated[
        Path | None, typer.Option(help=say("folder of its data (CTTA_HOME)", "数据目录（CTTA_HOME）"))
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help=say("port of the first center; the others follow", "第一个中心的端口，其余依次递增")),
    ] = None,
) -> None:
    """Starts three centers (or uses those that run in the home), imports, matches, deals, pays, notifies, traces.

    Stays up until Ctrl-C; ends by itself with --once, with CI=true, or without a terminal. Exit code 1 when the story
    did not come to its end or the books do not balance.
    """
    import os

    from ctta.cli.words import Exit, Failure

    if lang not in (None, "zh", "en"):
        raise Failure(f"--lang is zh or en, not {lang}.", f"--lang 只能是 zh 或 en，不能是 {lang}。", Exit.USAGE)
    if lang:
        os.environ["CTTA_LANG"] = lang
    from ctta.demo.stage import perform

    good = perform(data=data, limit=limit, stays=_stays(once), json_wanted=json, fresh=fresh, home=home, port=port)
    raise typer.Exit(int(Exit.OK if good else Exit.FAILED))


def _stays(once: bool) -> bool:
    import os
    import sys

    return not once and not os.environ.get("CI") and sys.stdin.isatty() and sys.stdout.isatty()
