"""What curation comes to, in numbers, for those who curate and those who answer for it."""
