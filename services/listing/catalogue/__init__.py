"""The alliance-wide read side: what every center announced."""
