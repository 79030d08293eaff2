"""Clearing: a payment from one center to another is prepared, decided, then posted or voided."""
