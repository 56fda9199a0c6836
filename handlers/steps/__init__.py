"""
What several handlers do with a book: post money, value scopes, watch limits, rebalance, collect, tell.

Each step asks the domain, changes the book and says so through the turn.
"""
