"""The embedded default: PostgreSQL and a Kafka-protocol broker from wheels, for development and the demo.

    postgres = EmbeddedPostgres(home)      # keeps its data in home/postgres
    url = postgres.start()                 # postgresql://postgres:<password>@127.0.0.1:PORT, no database
    broker = EmbeddedBroker(home)          # keeps its port in home/broker, and forgets everything else
    bootstrap = broker.start()             # 127.0.0.1:PORT

`start` and `stop` block (about a second); call them from a thread where a loop must go on. Everything an operator can
put right is raised as an `EmbeddedError`: `rule` names it, `say("zh" | "en")` tells what to do.
"""

from ctta.embedded.broker import EmbeddedBroker
from ctta.embedded.errors import (
    DiskFull,
    EmbeddedError,
    HomeInUse,
    NotWritable,
    NoWheel,
    OtherMajor,
    PortTaken,
    StartFailed,
)
from ctta.embedded.postgres import EmbeddedPostgres

__all__ = [
    "DiskFull",
    "EmbeddedBroker",
    "EmbeddedError",
    "EmbeddedPostgres",
    "HomeInUse",
    "NoWheel",
    "NotWritable",
    "OtherMajor",
    "PortTaken",
    "StartFailed",
]
