"""
Says why a server cannot be used, in one sentence that tells what to do about it.

Certificates fail in many ways; OpenSSL's own words for it are kept, for whoever has to look them up.
"""

import ssl
from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError

# OpenSSL's numbers, X509_V_ERR_…
_EXPIRED: Final = 10
_OF_ANOTHER_NAME: Final = (62, 64)  # host, IP address
_UNTRUSTED: Final = (18, 19, 20, 21)  # signed by itself or by nobody we know


def why_not(error: BaseException, where: str) -> str:
    """Say why a command that anybody may give failed at a server, by what redis-py raised."""
    reason = str(error).rstrip(".")
    if isinstance(error, AuthenticationError):
        return (
            f"The server at {where} does not accept the name or password: {reason}. Set them in "
            "SLUICEGATE_REDIS, or by redis_user and redis_password_file."
        )
    if isinstance(error, NoPermissionError):
        return f"The server at {where} allows this user nothing: {reason}. sluicegate acl makes users."
    if "Cluster mode is not enabled" in reason:
        return f"The server at {where} is no cluster: leave +cluster out of the address."
    if "unknown command 'SENTINEL'" in reason:
        return f"The server at {where} is no sentinel: name the port of one, or leave +sentinel out."
    return _of_the_connection(error, reason, where)


def _of_the_connection(error: BaseException, reason: str, where: str) -> str:
    beneath = _chain(error)
    for one in beneath:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _of_its_certificate(one, where)
        if isinstance(one, ssl.SSLError):
            return _of_our_certificate(one, where)
    if "Connection closed by server" in reason or any(
        isinstance(one, ConnectionResetError) for one in beneath
    ):
        return f"The server at {where} closes connections at once: {_closing(where)}"
    return f"There is no server at {where}: {reason}. Start one, or name another with --redis."


def _chain(error: BaseException) -> list[BaseException]:
    """Follow an error to those that it came of."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found


def _of_its_certificate(error: ssl.SSLCertVerificationError, where: str) -> str:
    why = error.verify_message.rstrip(".")
    if error.verify_code == _EXPIRED:
        return f"The certificate of the server at {where} has expired."
    if error.verify_code in _OF_ANOTHER_NAME:
        return f"The certificate of the server at {where} is another's: {why}."
    if error.verify_code in _UNTRUSTED:
        return (
            f"Nobody whom we trust vouches for the certificate of the server at {where} ({why}): name its "
            "authority with redis_ca."
        )
    return f"The certificate of the server at {where} does not hold: {why}."


def _of_our_certificate(error: ssl.SSLError, where: str) -> str:
    why = (error.reason or str(error)).lower().replace("_", " ")
    if "certificate required" in why or "handshake failure" in why:
        return f"The server at {where} asks for a certificate: name one with redis_cert and redis_key."
    if "alert" in why and ("certificate" in why or "unknown ca" in why):
        return f"The server at {where} does not accept our certificate ({why}): see redis_cert."
    return f"No encrypted connection to the server at {where} comes about: {why}."


def _closing(where: str) -> str:
    """Guess why: a server that refuses a connection may close it before it has said so."""
    if where.startswith("rediss"):
        return "see whether it asks for a certificate (redis_cert, redis_key), and whose it accepts."
    return "see whether it wants them encrypted (rediss)."
