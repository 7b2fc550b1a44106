"""The ground floor: the nouns that all rooms share. Imports nothing of ours."""
