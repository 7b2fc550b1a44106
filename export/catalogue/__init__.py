"""The release catalogue over HTTP."""
