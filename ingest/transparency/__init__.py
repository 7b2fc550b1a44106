"""What our promises come to, in numbers that anybody may read."""
