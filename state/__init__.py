"""The entities of a partition: their types, the view over them in memory, and their stored form."""
