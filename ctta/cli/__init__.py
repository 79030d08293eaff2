"""The `ctta` command. Verbs are modules of this package, imported when they are called; this one only lists them."""

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point: runs a verb, turns what an operator can put right into a sentence and an exit code."""
    from ctta.cli.words import Exit

    try:
        from ctta.cli.verbs import app

        app(prog_name="ctta")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from ctta.cli.failures import explain

        explained = explain(error)
        if explained is None:
            raise
        sentence, code = explained
        print(sentence, file=sys.stderr)
        sys.exit(int(code))
    sys.exit(int(Exit.OK))
