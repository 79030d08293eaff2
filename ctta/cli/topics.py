"""`ctta topics`: what the alliance's topics should be, and making them so."""

from typing import Annotated

import typer

from ctta.cli.words import Exit, say, tell

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Center = Annotated[str | None, typer.Option(help=say("center (CTTA_CENTER)", "中心编号（CTTA_CENTER）"))]
Json = Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))]


@app.command(
    "plan",
    help=say(
        "Show what differs from the plan; exit code 3 when something does.", "显示与计划的差异；有差异时退出码为 3。"
    ),
)
def plan(center: Center = None, json: Json = False) -> None:
    """Compares the topics of the center with those derived from the event catalogue."""
    import asyncio

    from ctta import topics
    from ctta.cli.output import write_json, write_table
    from ctta.cli.standing import of_centers
    from shared.trust import load_directory

    places = of_centers(center)
    wanted = [topic for s in places for topic in topics.planned(s.center, load_directory(s.trust))]
    differences = asyncio.run(topics.compare(places[0], wanted))
    if json:
        listed = [{"topic": d.topic, "missing": d.missing, "wrong": d.wrong} for d in differences]
        write_json({"topics": len(wanted), "differences": listed})
    elif differences:
        rows = [
            (d.topic, say("missing", "缺失") if d.missing else
             "; ".join(f"{key}: {found} -> {value}" for key, (found, value) in d.wrong.items()))
            for d in differences
        ]  # fmt: skip
        write_table((say("topic", "主题"), say("difference", "差异")), rows)
    else:
        print(say(f"{len(wanted)} topics are as planned.", f"{len(wanted)} 个主题均符合计划。"))
    raise typer.Exit(int(Exit.DRIFT if differences else Exit.OK))


@app.command(
    "apply", help=say("Make missing topics, correct settings that drifted.", "创建缺失的主题，纠正偏离的设置。")
)
def apply(center: Center = None, json: Json = False) -> None:
    """A partition count that differs is reported and left: growth is a new generation of the topic (exit code 3)."""
    import asyncio

    from ctta import topics
    from ctta.cli.output import write_json
    from ctta.cli.standing import of_centers
    from shared.trust import load_directory

    places = of_centers(center)
    wanted = [topic for s in places for topic in topics.planned(s.center, load_directory(s.trust))]
    touched = asyncio.run(topics.apply(places[0], wanted))
    left = asyncio.run(topics.compare(places[0], wanted))
    if json:
        write_json({"topics": len(wanted), "applied": touched, "left": [d.topic for d in left]})
    else:
        for name in touched:
            print(name)
        tell(f"{len(touched)} of {len(wanted)} topics applied.", f"{len(wanted)} 个主题中已处理 {len(touched)} 个。")
        for difference in left:
            tell(
                f"{difference.topic} stays as it is: {difference.wrong}",
                f"{difference.topic} 保持不变：{difference.wrong}",
            )
    raise typer.Exit(int(Exit.DRIFT if left else Exit.OK))


@app.command("acls", help=say("Print who may do what, as kafka-acls lines.", "以 kafka-acls 命令行形式输出访问规则。"))
def acls(center: Center = None, json: Json = False) -> None:
    """Principals are User:<center>.<service>."""
    from dataclasses import asdict

    from ctta import topics
    from ctta.cli.output import write_json
    from ctta.cli.standing import of_centers
    from shared.topics import acls as rules_of
    from shared.trust import load_directory

    rules = []
    for settings in of_centers(center):
        directory = load_directory(settings.trust)
        rules += rules_of(settings.center, directory.centers, hub=settings.center in directory.hubs)
    if json:
        write_json([asdict(rule) for rule in rules])
    else:
        for rule in rules:
            print(topics.acl_command(rule))
