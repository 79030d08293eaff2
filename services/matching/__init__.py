"""Matching: brings demands and offers of the whole alliance together, says why, and carries interests between centers."""

from shared.db import row_base

Row = row_base("matching")
