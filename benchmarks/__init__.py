"""What Loanword costs, beside the floor and beside its peers, in one run: `python -m benchmarks`."""
