"""Around the story: the alliance is started or found, kept running meanwhile, and stopped at the end."""

import asyncio
import signal
import threading
from pathlib import Path

from ctta.alliance import Alliance
from ctta.cli.standing import base_settings, running
from ctta.cli.words import say
from ctta.demo.receiver import Receiver
from ctta.demo.run import Demo
from ctta.demo.telling import Figures, Teller


def perform(
    *,
    data: Path | None,
    limit: int | None,
    stays: bool,
    json_wanted: bool,
    fresh: bool,
    home: Path | None,
    port: int | None,
) -> bool:
    """Play the story once; whether it ended as it should. Raises Failure, EmbeddedError."""
    settings = base_settings(home)
    teller = Teller(json_wanted=json_wanted)
    for ending in (signal.SIGTERM, signal.SIGINT):  # a background job of a script is started with Ctrl-C ignored
        signal.signal(ending, signal.default_int_handler)
    alliance: Alliance | None = None
    receiver: Receiver | None = None
    try:
        state = None if fresh else running(settings)
        if state is None:
            alliance = Alliance(settings, port=port, fresh=fresh, tell=teller.line)
            state = alliance.start()
            threading.Thread(target=alliance.watch, name="watch", daemon=True).start()
            teller.line(say(f"The alliance is ready in {state.ready_s} s.", f"联盟已就绪，用时 {state.ready_s} 秒。"))
        remembered = Path(state.home) / "demo.json"
        receiver = Receiver(_last_port(remembered))
        remembered.write_text(str(receiver.port))
        demo = Demo(state, settings, teller, settings.lang)
        figures = asyncio.run(demo.play(data, limit, receiver))
        teller.summary(figures, demo.lines)
        if stays:
            teller.line(say("The alliance stays up. Ctrl-C ends it.", "联盟保持运行，按 Ctrl-C 结束。"))
            _until_interrupted()
        return went_well(figures)
    except KeyboardInterrupt:
        teller.line(say("Ending in order ...", "正在有序停止……"))
        return True
    finally:
        if receiver is not None:
            receiver.close()
        if alliance is not None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            alliance.stop()


def went_well(figures: Figures) -> bool:
    """A deal was settled, the books balance, nothing is parked."""
    return figures.deals_settled > 0 and figures.ledger_balanced and figures.parked == 0


def _until_interrupted() -> None:
    threading.Event().wait()


def _last_port(remembered: Path) -> int:
    try:
        return int(remembered.read_text())
    except (OSError, ValueError):
        return 0
