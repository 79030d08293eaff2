"""Webhooks: every attempt to bring a notice to an address on the network."""
