"""A fleet as a file declares it: read, compared with what is stored, and asked for by commands."""
