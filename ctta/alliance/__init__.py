"""The embedded alliance: three centers and their servers on this machine, kept running by one supervisor."""

from ctta.alliance.home import Home
from ctta.alliance.state import AllianceState, CenterState, read_state
from ctta.alliance.supervisor import CENTERS, Alliance

__all__ = ["CENTERS", "Alliance", "AllianceState", "CenterState", "Home", "read_state"]
