"""Tests of each stage: the rule at its thresholds."""
