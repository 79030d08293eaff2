"""Organisations: the members of a center on whose behalf things are listed."""
