"""The contracts: what centers say to each other, one module per publishing service.

Importing this package fills the catalogue.
"""

from shared.schemas import base, directory, escrow, listing, matching, money, notify, runtime

__all__ = ["base", "directory", "escrow", "listing", "matching", "money", "notify", "runtime"]
