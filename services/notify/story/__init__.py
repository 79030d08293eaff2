"""The time line of what happened, in plain Chinese and English: what a center's page shows."""
