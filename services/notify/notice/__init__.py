"""One event, told to one subscriber; the inbox."""
