"""The roof: the `loanword` command, the combined server and the demo."""
