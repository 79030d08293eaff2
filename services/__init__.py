"""The services of a center."""
