"""What is to be erased, how far that has come, and the proof that it was done."""
