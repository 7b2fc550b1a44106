"""Who asks: accounts, roles, passwords and tokens."""
