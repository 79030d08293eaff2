"""`ctta up`: the embedded alliance, until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer

from ctta.cli.words import say, tell


def up(
    home: Annotated[
        Path | None, typer.Option(help=say("folder of its data (CTTA_HOME)", "数据目录（CTTA_HOME）"))
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help=say("port of the first center; the others follow", "第一个中心的端口，其余依次递增")),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help=say("delete the data of this home and begin anew", "删除该目录的数据并重新开始")),
    ] = False,
) -> None:
    """Servers that CTTA_KAFKA and CTTA_POSTGRES name are used; where they are not set, embedded ones are started."""
    import signal

    from ctta.alliance import Alliance
    from ctta.cli.standing import base_settings

    alliance = Alliance(base_settings(home), port=port, fresh=fresh, tell=print)
    for ending in (signal.SIGTERM, signal.SIGINT):  # a script's background job is started with Ctrl-C ignored
        signal.signal(ending, signal.default_int_handler)
    try:
        state = alliance.start()
        tell(f"Ready in {state.ready_s} s. Ctrl-C ends it.", f"{state.ready_s} 秒内就绪。按 Ctrl-C 结束。")
        alliance.watch()
    except KeyboardInterrupt:
        tell("Ending in order ...", "正在有序停止……")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        alliance.stop()
