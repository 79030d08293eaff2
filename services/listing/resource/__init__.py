"""Listings of this center: what they say, their lifecycle, who holds them, bulk import."""
