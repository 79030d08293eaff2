"""Every measured claim, with its floor in the same run. `ctta bench <name>` or `python -m bench.<name>`."""
