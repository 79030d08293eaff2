"""`ctta ledger`: whether the books of centers are right."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ctta.cli.words import Exit, say

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def ledger() -> None:
    """A center's money."""


@app.command(
    "audit", help=say("Check a center's ledger against its own entries and blocks.", "核查中心账本与其分录、区块。")
)
def audit(
    center: Annotated[str | None, typer.Option(help=say("center (CTTA_CENTER)", "中心编号（CTTA_CENTER）"))] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help=say("all centers of the running alliance, and what they say of each other", "全部中心及其相互往来"),
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))] = False,
) -> None:
    """Exit code 1 when an invariant is broken."""
    import asyncio

    from ctta.auditing import audit as check
    from ctta.cli.output import write_json
    from ctta.cli.standing import of_centers

    found = asyncio.run(check(of_centers(center, every=every)))
    if json:
        write_json(found.as_json())
    else:
        for report in found.reports:
            _say(report.center, report.invariants)
        if found.combined is not None:
            _say(say("between centers", "中心之间"), found.combined.invariants)
        for peer in found.combined.absent if found.combined else []:
            print(say(f"{peer} has sent no report.", f"{peer} 未提交报告。"))
    raise typer.Exit(int(Exit.OK if found.good else Exit.FAILED))


def _say(whose: str, invariants: Sequence[Any]) -> None:
    broken = [one for one in invariants if not one.ok]
    holds = say(f"{len(invariants)} invariants hold", f"{len(invariants)} 项不变量均成立")
    print(f"{whose}: {say(f'{len(broken)} BROKEN', f'{len(broken)} 项不成立') if broken else holds}")
    for one in broken:
        print(f"  {one.name}: {one.says} {one.figures} ({one.sources})")
