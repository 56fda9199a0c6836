"""The rules of capital, pure: no I/O, no clock, no randomness. Imports nothing of ours."""
