"""The whole road once, on real components: what `loanword demo` shows."""
