"""What rebalances by several methods would do to a wallet now. Reads only; plans as the worker does."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.deployment import Deployment
from domain.refusals import Refused
from handlers.steps.planning import Proposal, propose, survey
from state.view import KINDS, load_view
from stream import scripts
from stream.client import fields_of
from stream.errors import ConfigurationError

_READ: Final = ("wallets", "farms", "agents", "returns")


async def propose_each(
    deployment: Deployment, wallet: str, methods: Sequence[str]
) -> dict[str, Proposal | Refused]:
    """
    Plan by each method, from the stored state as of one moment, at the wallet's own time.

    Raises:
        ConfigurationError: there is no such wallet.
        TransportError: the server is away.

    """
    keys = deployment.home(wallet)
    found = await deployment.client.query(scripts.SNAPSHOT, [keys.state(kind) for kind in _READ])
    state: dict[str, Mapping[bytes, bytes]] = {kind: {} for kind in KINDS}
    state |= zip(_READ, map(fields_of, found), strict=True)
    book = load_view(state).books.get(wallet)
    if book is None:
        raise ConfigurationError(
            f"There is no wallet {wallet} with the prefix {deployment.prefix}; sluicegate status names all."
        )
    outlook = survey(book)
    return {method: propose(outlook, method) for method in methods}
