"""The list of verbs. Their modules import what they work with inside their functions: `ctta --help` stays quick."""

from typing import Annotated

import typer

from ctta.cli import bench, demo, dlq, doctor, events, importing, ledger, migrate, run, token, topics, trace, up
from ctta.cli.words import say

# Without Rich for help: it costs 0.3 s of imports, and `ctta --help` should be there at once.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        from ctta import __version__

        print(f"ctta {__version__}")
        raise typer.Exit


@app.callback(help=say(
    "The backbone of an alliance of technology-transfer centers.\n\nExit codes: 0 done, 1 a check failed or the work "
    "was refused, 2 usage, 3 drift, 4 a server, file or port is missing.",
    "国家技术转移中心联盟的基础平台。\n\n退出码：0 完成，1 检查未通过或被拒绝，2 用法错误，"
    "3 与计划不一致，4 缺少服务器、文件或端口。",
))  # fmt: skip
def ctta(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=say("Show the version.", "显示版本。"))
    ] = False,
) -> None:
    """Everything begins with a verb."""


app.command("up", help=say("Start the embedded alliance and stay.", "启动内置联盟并保持运行。"))(up.up)
app.command("demo", help=say("Play the whole story on three centers.", "在三个中心演示全过程。"))(demo.demo)
app.command("run", help=say("Run services of one center in this process.", "在本进程中运行一个中心的服务。"))(run.run)
app.command("migrate", help=say("Bring databases to the newest version.", "将数据库升级到最新版本。"))(migrate.migrate)
app.add_typer(topics.app, name="topics", help=say("Topics as they should be.", "主题的应有状态。"))
app.add_typer(events.app, name="events", help=say("Event types and their JSON Schemas.", "事件类型及其 JSON Schema。"))
app.command("import", help=say("Import a file into a center.", "向中心导入文件。"))(importing.import_)
app.command("trace", help=say("Follow a deal, listing or trace.", "追踪交易、供需或链路。"))(trace.trace)
app.add_typer(ledger.app, name="ledger", help=say("Check the books.", "核查账本。"))
app.add_typer(dlq.app, name="dlq", help=say("Events that could not be applied.", "无法处理而被搁置的事件。"))
app.command("doctor", help=say("What is wrong, and what to do.", "检查故障并说明处理办法。"))(doctor.doctor)
app.command("token", help=say("Make a development token.", "签发开发用令牌。"))(token.token)
app.add_typer(bench.app, name="bench", help=say("Measure.", "测量。"))
