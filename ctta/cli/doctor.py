"""`ctta doctor`: what is wrong, and what to do."""

from typing import Annotated

import typer

from ctta.cli.words import Exit, say


def doctor(
    center: Annotated[str | None, typer.Option(help=say("center (CTTA_CENTER)", "中心编号（CTTA_CENTER）"))] = None,
    json: Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))] = False,
) -> None:
    """Servers, keys, topics, databases, held events, ports, disk. Changes nothing; 1: something is wrong."""
    import asyncio
    from dataclasses import asdict

    from rich.text import Text

    from ctta.cli.output import write_json, write_table
    from ctta.cli.standing import base_settings, of_centers, running
    from ctta.doctor import examine

    alive = running(base_settings()) is not None
    findings = asyncio.run(examine(of_centers(center), alive=alive))
    good = all(finding.good for finding in findings)
    if json:
        write_json({"good": good, "findings": [asdict(finding) for finding in findings]})
    else:
        marks = {True: Text("ok", style="green"), False: Text("WRONG", style="bold red")}
        rows = [(marks[f.good], f.check, f.found, f.do) for f in findings]
        write_table(("", say("check", "检查"), say("found", "结果"), say("what to do", "处理办法")), rows)
    raise typer.Exit(int(Exit.OK if good else Exit.FAILED))
