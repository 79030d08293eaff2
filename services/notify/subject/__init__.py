"""What this center knows of the things that events speak of: titles, owners, and which id leads to which."""
