"""`python -m ctta` is the `ctta` command."""

from ctta.cli import main

main()
