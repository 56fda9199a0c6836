"""
The same fills through what else one could have used.

Each runs in a process of its own, and says in one line of JSON how long it took, from its first fill to its
last, and what the fills came to. All read the entries that the worker reads, from the same server (Bytewax:
out of memory, where they were read before), and decode them with the same decoder.
"""
