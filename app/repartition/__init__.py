"""
Changes the number of partitions of a deployment that is at rest.

Rules kept here:

1. Partitions are closed first: their epoch is raised, and nobody can take them until it is done. What was
   stored stays as it is until all of the new is there and was compared with it, field by field.
2. The new state is built beside the old one, and each partition is switched by one script. No script concerns
   two partitions, so they may be in different slots.
3. How far it is stands in the deployment's record and in each partition's checkpoint. Killed at any moment it
   goes on where it was, and what was done is not done again: every script compares what it builds on. Up to
   the first switch it can be taken back.
4. What a partition began with is kept beside it: state, positions, and the identities of its last inputs. So
   repeats are recognised as before, and a replay begins there.
5. Inputs that come to the old places meanwhile are brought to the new ones in their order, each once:
   appended there together with a note of where they came from, then removed here.
"""
