"""What the command says to people, in Chinese or English, and the exit codes it says it with."""

import os
import sys
from enum import IntEnum
from typing import Literal

Language = Literal["zh", "en"]


class Exit(IntEnum):
    """Exit codes of every verb; docs/commands.md lists them."""

    OK = 0
    FAILED = 1  # a check failed, or the work was refused
    USAGE = 2  # the command line
    DRIFT = 3  # something differs from its plan
    ENVIRONMENT = 4  # a server, a file or a port that is needed is missing


class Failure(Exception):
    """Ends the command with a sentence for a person: what is wrong, then what to do."""

    def __init__(self, en: str, zh: str, code: Exit = Exit.FAILED) -> None:
        self.en, self.zh, self.code = en, zh, code
        super().__init__(en)


def language() -> Language:
    """CTTA_LANG, else the locale of the terminal: Chinese where it begins with zh."""
    for name in ("CTTA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(en: str, zh: str) -> str:
    """The sentence in the language of this terminal."""
    return zh if language() == "zh" else en


def tell(en: str, zh: str) -> None:
    """A sentence to standard error, where progress and complaints go; results go to standard output."""
    print(say(en, zh), file=sys.stderr, flush=True)
