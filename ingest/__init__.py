"""People and devices give utterances, and take them back."""
