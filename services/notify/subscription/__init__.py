"""Who wants to hear of what, and by which channel."""
