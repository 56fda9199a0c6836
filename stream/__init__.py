"""
Moves entries of Redis Streams through a processor, exactly once.

Knows bytes, positions and leases; not a word of what the entries mean.
"""
