"""`ctta ledger`: whether the books of centers are right."""

from typing import Annotated

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

    reports = asyncio.run(check(of_centers(center, every=every)))
    good = all(report["balanced"] for report in reports)
    if json:
        write_json({"balanced": good, "centers": reports})
    else:
        for report in reports:
            verdict = say("is right", "账目正确") if report["balanced"] else say("IS WRONG", "账目有误")
            print(f"{report['center']}: {verdict}")
            for finding in report["findings"]:
                print(f"  {finding}")
    raise typer.Exit(int(Exit.OK if good else Exit.FAILED))
