"""What a rule can say no to. A refusal is a value with the name of the rule that was broken."""

from enum import StrEnum
from typing import NamedTuple


class Refusal(StrEnum):
    """Names of refusals; they are part of the wire and never change their meaning."""

    EXISTS = "exists"
    EXISTS_WITH_DIFFERENT_BODY = "exists_with_different_body"
    EXISTS_WITH_DIFFERENT_KIND = "exists_with_different_kind"
    EXISTS_WITH_DIFFERENT_PENDING_ID = "exists_with_different_pending_id"
    EXISTS_WITH_DIFFERENT_DEBIT = "exists_with_different_debit"
    EXISTS_WITH_DIFFERENT_CREDIT = "exists_with_different_credit"
    EXISTS_WITH_DIFFERENT_AMOUNT = "exists_with_different_amount"
    EXISTS_WITH_DIFFERENT_FLAGS = "exists_with_different_flags"
    EXISTS_WITH_DIFFERENT_TIMEOUT = "exists_with_different_timeout"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNTS_MUST_BE_DIFFERENT = "accounts_must_be_different"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_TOO_FINE = "amount_too_fine"
    EXCEEDS_AVAILABLE = "exceeds_available"
    EXCEEDS_PENDING_TRANSFER_AMOUNT = "exceeds_pending_transfer_amount"
    PENDING_TRANSFER_NOT_FOUND = "pending_transfer_not_found"
    PENDING_TRANSFER_NOT_PENDING = "pending_transfer_not_pending"
    PENDING_TRANSFER_ALREADY_POSTED = "pending_transfer_already_posted"
    PENDING_TRANSFER_ALREADY_VOIDED = "pending_transfer_already_voided"
    PENDING_TRANSFER_EXPIRED = "pending_transfer_expired"
    PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = "pending_transfer_has_different_amount"
    TIMEOUT_RESERVED_FOR_PENDING_TRANSFER = "timeout_reserved_for_pending_transfer"
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
