"""`ctta run`: services of one center in this process, until SIGTERM or Ctrl-C."""

from typing import Annotated

import typer

from ctta.cli.words import say


def run(
    services: Annotated[
        list[str], typer.Argument(help=say("listing, matching, escrow, notify; or all", "服务名，或 all 表示全部"))
    ],
    center: Annotated[
        str, typer.Option(help=say("id of the center, such as east", "中心编号，如 east"), envvar="CTTA_CENTER")
    ],
    port: Annotated[int | None, typer.Option(help=say("port of its HTTP", "HTTP 端口"))] = None,
    migrate: Annotated[
        bool, typer.Option(help=say("bring the databases to the newest version first", "先将数据库升级到最新版本"))
    ] = False,
) -> None:
    """Everything else comes from the environment (CTTA_*, see docs/operations.md)."""
    from ctta.serving import serve
    from shared.settings import settings

    own = settings().model_copy(update={"center": center} | ({} if port is None else {"http_port": port}))
    serve(services, own, migrates=migrate)
