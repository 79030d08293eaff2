"""The servers that tests run on: which ones, who starts them, and private ones that a test may break."""
