"""What is particular to a language, one file of data for each; `corpus/alphabet.py` says what is in them."""
