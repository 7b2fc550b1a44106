"""The roof, on real components."""
