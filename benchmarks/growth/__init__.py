"""How the database grows with the number of clips: sizes, and the time of each query that matters."""
