"""``plan``: what a rebalance would do, and why; methods side by side."""

import sys
from collections.abc import Mapping

import click

from app.cli.options import as_json, configured, run
from app.cli.output import console, print_json
from app.cli.planned import comparison_table, plan_table, summary
from app.config import Config
from app.deployment import open_deployment
from app.plan import propose_each
from domain.allocation import METHODS
from domain.refusals import Refused
from domain.weighing import unknown_method
from handlers.steps.planning import Proposal, describe
from stream.errors import ConfigurationError


@click.command(
    short_help="Show what a rebalance would do, and why.",
    epilog="\b\nExamples:\n  sluicegate plan alpha\n  sluicegate plan alpha --method risk_parity\n"
    "  sluicegate plan alpha --method kelly --json | jq '.kelly.agents'",
)
@configured
@as_json
@click.option("--method", "methods", multiple=True, metavar="NAME", help="A method; may be repeated.  [all]")
@click.argument("wallet")
def plan(config: Config, *, wallet: str, methods: tuple[str, ...], as_json: bool) -> None:
    """
    Plan a rebalance of WALLET, and change nothing.

    With one method the whole plan is shown: weights, transfers, and for each agent what decided its weight
    and what led to the recommendation. With several, or none for all, weights are shown side by side.
    Exit code 1 if the rules allow no plan.
    """
    for method in methods:
        if method not in METHODS:
            raise ConfigurationError(unknown_method(method))
    run(_plan, config, wallet, tuple(dict.fromkeys(methods)) or tuple(METHODS), as_json=as_json)


async def _plan(config: Config, wallet: str, methods: tuple[str, ...], *, as_json: bool) -> None:
    async with open_deployment(config) as deployment:
        found = await propose_each(deployment, wallet, methods)
    if as_json:
        print_json({method: _document(one) for method, one in found.items()})
    else:
        _print(found)
    if any(isinstance(one, Refused) for one in found.values()):
        sys.exit(1)


def _document(one: Proposal | Refused) -> object:
    if isinstance(one, Refused):
        return {"refusal": one.refusal, "detail": one.detail}
    return describe(one, "plan")


def _print(found: Mapping[str, Proposal | Refused]) -> None:
    out = console(wide=True)
    proposals = {method: one for method, one in found.items() if isinstance(one, Proposal)}
    if len(proposals) == 1:
        ((_, only),) = proposals.items()
        out.print(plan_table(only))
    elif proposals:
        out.print(comparison_table(proposals))
    for method, one in found.items():
        out.print(f"{method}: {one.detail if isinstance(one, Refused) else summary(one)}")
