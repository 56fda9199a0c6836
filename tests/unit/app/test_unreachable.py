"""One sentence tells why a server cannot be used."""

import ssl

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, NoPermissionError  # noqa: A004  # redis-py's

from app.unreachable import why_not


def _of(beneath: BaseException) -> ConnectionError:
    """An error of redis-py that came of another."""
    error = ConnectionError("it failed")
    error.__context__ = beneath
    return error


def _not_verified(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def _alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "alert")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AuthenticationError("WRONGPASS."), "does not accept the name or password: WRONGPASS. Set them"),
        (NoPermissionError("NOPERM"), "allows this user nothing: NOPERM. sluicegate acl makes users."),
        (ConnectionError("refused."), "There is no server at S: refused. Start one, or name another"),
        (_of(ConnectionResetError(104, "reset")), "The server at S closes connections at once"),
        (_of(_not_verified(10, "has expired")), "The certificate of the server at S has expired."),
        (
            _of(_not_verified(62, "not for 'a'.")),
            "The certificate of the server at S is another's: not for 'a'.",
        ),
        (
            _of(_not_verified(20, "no issuer")),
            "vouches for the certificate of the server at S (no issuer): name",
        ),
        (
            _of(_not_verified(9, "not yet valid")),
            "certificate of the server at S does not hold: not yet valid.",
        ),
        (_of(_alert("TLSV13_ALERT_CERTIFICATE_REQUIRED")), "The server at S asks for a certificate"),
        (_of(_alert("TLSV1_ALERT_UNKNOWN_CA")), "does not accept our certificate (tlsv1 alert unknown ca)"),
        (
            _of(_alert("WRONG_VERSION_NUMBER")),
            "No encrypted connection to the server at S comes about: wrong",
        ),
    ],
)
def test_what_came_of_what_is_told(error: BaseException, says: str) -> None:
    """Whatever redis-py wraps it in."""
    assert says in why_not(error, "S")


def test_a_connection_that_is_closed_at_once() -> None:
    """A server that wants a certificate may close before it says so; one that wants TLS says nothing."""
    error = ConnectionError("Connection closed by server.")

    assert why_not(error, "redis://a").endswith("see whether it wants them encrypted (rediss).")
    assert "asks for a certificate (redis_cert, redis_key)" in why_not(error, "rediss://a")
