"""``python -m lossconditioning``: the command line."""

from lossconditioning.cli import main

main()
