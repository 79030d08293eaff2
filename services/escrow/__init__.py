"""Escrow: the ledger of a center, its deals, and payments between centers."""

from shared.db import row_base

Row = row_base("escrow")
