"""The `ctta` command: one module per verb."""

__version__ = "0.1.0"
