"""Devices are paired by a code that they show and their owner types (the shape of RFC 8628)."""
