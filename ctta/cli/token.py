"""`ctta token`: a development token for one person at one center."""

from typing import Annotated

import typer

from ctta.cli.words import Exit, Failure, say


def token(
    center: Annotated[str, typer.Option(help=say("center it is for", "所属中心"), envvar="CTTA_CENTER")],
    role: Annotated[
        list[str],
        typer.Option(
            help=say(
                "member, technology_manager, officer, operator, auditor; may be given several times",
                "member、technology_manager、officer、operator、auditor；可重复指定",
            )
        ),
    ],
    subject: Annotated[str, typer.Option(help=say("who it speaks for", "代表的人员"))] = "developer",
    name: Annotated[str, typer.Option(help=say("name of the person", "姓名"))] = "",
    organisation: Annotated[
        str | None, typer.Option(help=say("id of the person's organisation", "所属机构编号"))
    ] = None,
    days: Annotated[float, typer.Option(help=say("how long it is valid", "有效天数"), min=0.001, max=365)] = 30,
    json: Annotated[bool, typer.Option("--json", help=say("as an object", "以 JSON 输出"))] = False,
) -> None:
    """Signed with the center's development issuer key; a center in production has an OIDC provider instead."""
    from ctta.cli.output import write_json
    from ctta.cli.standing import base_settings
    from ctta.tokens import issue
    from shared.http.people import ROLES

    wrong = sorted(set(role) - set(ROLES))
    if wrong:
        known = ", ".join(ROLES)
        raise Failure(f"There is no role {wrong[0]}: {known}.", f"没有角色 {wrong[0]}：{known}。", Exit.USAGE)
    made = issue(
        base_settings().trust, center, subject=subject, roles=role, name=name, organisation=organisation, days=days
    )
    if json:
        write_json({"token": made, "center": center, "subject": subject, "roles": role, "organisation": organisation})
    else:
        print(made)
