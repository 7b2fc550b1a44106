"""What an engineer runs: pull and verify."""
