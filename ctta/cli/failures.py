"""Errors that an operator can put right, as a sentence and an exit code. Imports only what is already loaded."""

import sys

from ctta.cli.words import Exit, Failure, language, say


def explain(error: Exception) -> tuple[str, Exit] | None:
    """What to say and how to end; None for a bug, which shows its traceback."""
    if isinstance(error, Failure):
        return say(error.en, error.zh), error.code
    for module, name in (("ctta.embedded.errors", "EmbeddedError"), ("shared.errors", "Refused")):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return error.say(language()), Exit.ENVIRONMENT if name == "EmbeddedError" else Exit.FAILED
    kind = getattr(sys.modules.get("shared.trust.refusals"), "TrustError", None)
    if kind is not None and isinstance(error, kind):
        return str(error), Exit.ENVIRONMENT
    return _server_away(error)


def _server_away(error: Exception) -> tuple[str, Exit] | None:
    origin = type(error).__module__.split(".")[0]
    what = str(error) or type(error).__name__
    if origin in ("aiokafka", "confluent_kafka", "cimpl"):
        return say(
            f"Kafka: {what}. `ctta doctor` looks closer.", f"Kafka：{what}。请运行 `ctta doctor` 检查。"
        ), Exit.ENVIRONMENT
    if isinstance(error, ConnectionError | TimeoutError) or (origin == "asyncpg" and _away(error)):
        return (
            say(f"A server does not answer: {what}. `ctta doctor` looks closer.",
                f"服务器无应答：{what}。请运行 `ctta doctor` 检查。"),
            Exit.ENVIRONMENT,
        )  # fmt: skip
    if isinstance(error, OSError):
        return what, Exit.ENVIRONMENT
    return None


def _away(error: Exception) -> bool:
    """Connection, no such role or database, resources, shutdown (PostgreSQL, appendix A). Anything else is a bug."""
    state = str(getattr(error, "sqlstate", "") or "08")
    return state.startswith(("08", "28", "3D", "53", "57P"))
