"""`python -m loanword` is the `loanword` command."""

from loanword.cli import run

run()
