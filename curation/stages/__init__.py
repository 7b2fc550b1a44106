"""One stage a module: a frozen dataclass of thresholds, a clip in, keep or drop out."""
