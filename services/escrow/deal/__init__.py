"""Deals: what two centers agree, hold, accept, release and refund."""
