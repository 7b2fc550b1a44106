"""The `/v1` interface that devices and apps speak."""
