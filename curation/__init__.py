"""Which utterances are fit to train on, what they say, and why not."""
