"""`ctta doctor`: one check after the other, each with what is wrong and what to do."""

from ctta.doctor.checks import Finding, examine

__all__ = ["Finding", "examine"]
