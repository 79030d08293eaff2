"""Notices: who wants to hear of what, the inbox, signed webhooks, and the story of what happened."""

from shared.db import row_base

Row = row_base("notify")
"""Base class of this service's rows."""
