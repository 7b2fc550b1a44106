"""Who works on which utterance, for how long, and how often that ended with a death."""
