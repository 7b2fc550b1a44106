"""The ground floor against real stores, databases and child processes."""
