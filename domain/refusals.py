"""What a rule can say no to. A refusal is a value with the name of the rule that was broken."""

from enum import StrEnum
from typing import NamedTuple


class Refusal(StrEnum):
    """Names of refusals; they are part of the wire and never change their meaning."""

    EXISTS = "exists"
    EXISTS_WITH_DIFFERENT_BODY = "exists_with_different_body"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNTS_MUST_BE_DIFFERENT = "accounts_must_be_different"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_TOO_FINE = "amount_too_fine"
    EXCEEDS_AVAILABLE = "exceeds_available"
    WALLET_NOT_EMPTY = "wallet_not_empty"
    FARM_NOT_EMPTY = "farm_not_empty"
    FARM_CLOSED = "farm_closed"
    AGENT_RETIRED = "agent_retired"
    AGENT_STOPPED = "agent_stopped"
    NOT_STOPPED = "not_stopped"
    ALREADY_STOPPED = "already_stopped"
    STOPPED_ABOVE = "stopped_above"
    NOTHING_TO_COLLECT = "nothing_to_collect"
    WALLET_STOPPED = "wallet_stopped"
    WALLET_CLOSED = "wallet_closed"
    UNKNOWN_METHOD = "unknown_method"
    INFEASIBLE_BOUNDS = "infeasible_bounds"
    INVALID_RULES = "invalid_rules"
    GOAL_ENDED = "goal_ended"


class Refused(NamedTuple):
    """A refusal and the sentence that explains it."""

    refusal: Refusal
    detail: str
