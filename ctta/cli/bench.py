"""`ctta bench`: measurements of the checkout's bench folder."""

import typer

from ctta.cli.words import Exit, Failure, say

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def bench() -> None:
    """Measured claims, each with its floor in the same run."""


@app.command(
    "bus",
    help=say("Events from emit to their committed effect.", "事件从发出到生效的速率与延迟。"),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def bus(context: typer.Context) -> None:
    """All options go to the benchmark itself (`--help` shows them)."""
    import inspect
    import sys
    from importlib import import_module
    from importlib.util import find_spec

    if not (find_spec("bench") and find_spec("bench.bus")):
        raise Failure(
            "The benchmarks are in the source checkout, not in the installed package: run this there.",
            "基准测试仅在源码目录中提供，不包含在安装包内：请在源码目录中运行。",
            Exit.ENVIRONMENT,
        )
    main = import_module("bench.bus").main
    sys.argv = ["ctta bench bus", *context.args]
    ended = main(list(context.args)) if inspect.signature(main).parameters else main()
    raise typer.Exit(int(ended or 0))
