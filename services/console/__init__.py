"""The page of a center: what its people see of the alliance, served by every process of the center."""
