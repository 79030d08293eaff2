"""`ctta migrate`: databases to the newest version."""

from typing import Annotated

import typer

from ctta.cli.words import say


def migrate(
    services: Annotated[
        list[str] | None, typer.Argument(help=say("services; without any: all", "服务名；不填表示全部"))
    ] = None,
    center: Annotated[str | None, typer.Option(help=say("center (CTTA_CENTER)", "中心编号（CTTA_CENTER）"))] = None,
    every: Annotated[
        bool, typer.Option("--all", help=say("every center of the running embedded alliance", "内置联盟的所有中心"))
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help=say("change nothing; exit code 3 when something is behind", "只检查；有落后时退出码为 3")
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))] = False,
) -> None:
    """May run again at any time; two at once wait for each other."""
    import asyncio

    from ctta.cli.output import progress, write_json, write_table
    from ctta.cli.standing import of_centers
    from ctta.cli.words import Exit
    from ctta.migrating import migrate_all, standing
    from ctta.services import ALL, load

    loaded = load(services or [ALL])
    places = of_centers(center, every=every)
    if not check:
        with progress() as bar:
            task = bar.add_task(say("migrating", "升级中"), total=len(places) * len(loaded))
            for settings in places:
                migrate_all(settings, loaded, lambda name: bar.advance(task))
    found = [asyncio.run(standing(settings, service)) for settings in places for service in loaded]
    if json:
        write_json([{"database": s.database, "behind": s.behind, "found": s.found, "wanted": s.wanted} for s in found])
    else:
        rows = [(s.database, _versions(s.found), _versions(s.wanted) if s.behind else "ok") for s in found]
        write_table((say("database", "数据库"), say("version", "版本"), say("should be", "应为")), rows)
    raise typer.Exit(int(Exit.DRIFT if check and any(s.behind for s in found) else Exit.OK))


def _versions(versions: dict[str, str]) -> str:
    return " ".join(versions.values()) or "-"
