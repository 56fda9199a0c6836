"""Money that is not enough for everyone who wants some."""

from collections.abc import Mapping
from itertools import accumulate, takewhile


def ration(wants: Mapping[str, int], limit: int, smallest: int) -> dict[str, int]:
    """
    Scale amounts down in proportion so that they sum to a limit, where they exceed it.

    Rather fewer transfers than some too small to make: the smaller wants are left out, as many as it takes.
    Whole units throughout: each part is rounded down, and the units left over go one each to the largest
    remainders, ties to the lower id. (`domain.money.split` takes its weights as floats, by which a part
    could exceed what was wanted.)

    Args:
        wants: amount by id, each at least `smallest`.
        limit: not negative.
        smallest: least amount worth moving, positive.

    Returns:
        What each gets, from `smallest` to what it wants; those left out are missing. All of the limit is
        given out unless the wants, or those that are large enough, come to less.

    """
    if sum(wants.values()) <= limit:
        return dict(wants)
    largest = sorted(wants, key=lambda id_: (-wants[id_], id_))
    sums = accumulate(wants[id_] for id_ in largest)
    # From one to the next the want falls, and so does the part of it that the limit reaches for.
    reached = takewhile(
        lambda pair: wants[pair[0]] * min(limit, pair[1]) // pair[1] >= smallest,
        zip(largest, sums, strict=True),
    )
    chosen = [id_ for id_, _ in reached]
    whole = sum(wants[id_] for id_ in chosen)
    limit = min(limit, whole)
    parts = {id_: divmod(wants[id_] * limit, whole) for id_ in chosen}
    units = limit - sum(part for part, _ in parts.values())
    lucky = set(sorted(chosen, key=lambda id_: (-parts[id_][1], id_))[:units])
    return {id_: part + (id_ in lucky) for id_, (part, _) in parts.items()}
