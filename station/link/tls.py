"""Mutual TLS: the context, the station's certificate, and which sentence fits when it fails.

There is no switch that turns a check off. A broken clock and a broken certificate look alike to TLS; the dates of the
station's own certificate tell them apart.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from cryptography import x509

from station.link.config import LinkConfig
from station.link.errors import (
    BrokerCertificateExpired,
    BrokerNameMismatch,
    BrokerNotFound,
    BrokerUnreachable,
    BrokerUntrusted,
    CertificateExpired,
    CertificateRefused,
    ClockWrong,
    CredentialUnusable,
    LinkError,
    TlsFailed,
)


class _Verify(IntEnum):
    """X509_V_ERR_* of OpenSSL (X509_STORE_CTX_get_error(3))."""

    NOT_YET_VALID = 9
    EXPIRED = 10
    HOSTNAME = 62
    IP_ADDRESS = 64


_ALERT = re.compile(r"ALERT_([A-Z_]+)|alert ([a-z ]+)")
_ABOUT_US = {
    "certificate_required",
    "certificate_revoked",
    "certificate_unknown",
    "bad_certificate",
    "unknown_ca",
    "access_denied",
    "unsupported_certificate",
}


class ClosingSocket(ssl.SSLSocket):
    """Closes itself when its handshake fails; paho would leave it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Of the station's certificate, Unix milliseconds."""

    from_ms: int
    until_ms: int

    def ends_soon(self, now_ms: int, share: float) -> bool:
        return self.until_ms - now_ms < share * (self.until_ms - self.from_ms)


def context(config: LinkConfig) -> ssl.SSLContext:
    """Read anew for each connection, so that a renewed certificate counts at once. Raises CredentialUnusable."""
    try:
        made = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(config.cafile))
    except (OSError, ValueError) as error:
        raise CredentialUnusable(what="ca", file=config.cafile.name, reason=type(error).__name__) from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.sslsocket_class = ClosingSocket
    try:
        made.load_cert_chain(config.certfile, config.keyfile)
    except (OSError, ValueError) as error:
        raise CredentialUnusable(what="certificate", file=config.certfile.name, reason=type(error).__name__) from error
    return made


def lifetime(config: LinkConfig) -> Lifetime | None:
    """Of the certificate on disk; None where it cannot be read."""
    try:
        found = x509.load_pem_x509_certificate(config.certfile.read_bytes())
    except (OSError, ValueError):
        return None
    return Lifetime(
        int(found.not_valid_before_utc.timestamp() * 1000), int(found.not_valid_after_utc.timestamp() * 1000)
    )


def own_fault(config: LinkConfig, now_ms: int) -> LinkError | None:
    """What the station's own certificate and clock explain; None where they fit each other."""
    own = lifetime(config)
    if own is None:
        return None
    if now_ms < own.from_ms:
        return ClockWrong(today=_day(now_ms))
    if now_ms > own.until_ms:
        return CertificateExpired(until=_day(own.until_ms))
    return None


def explain(error: OSError, config: LinkConfig, now_ms: int) -> LinkError:
    """The station's error for a connection that did not come about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_verification(error, config, now_ms)
    if isinstance(error, ssl.SSLError):
        return of_alert(str(error), config, now_ms) or TlsFailed(host=config.host, reason=error.reason or "unknown")
    if isinstance(error, socket.gaierror):
        return BrokerNotFound(host=config.host)
    return BrokerUnreachable(host=config.host, port=config.port)


def of_alert(text: str, config: LinkConfig, now_ms: int) -> LinkError | None:
    """The station's error for a TLS alert in `text`; None where there is none.

    With TLS 1.3 the broker judges the station's certificate after the station's handshake is over, so the alert comes
    as a failed read.
    """
    found = _ALERT.search(text)
    if found is None:
        return None
    alert = (found[1] or found[2]).strip().lower().replace(" ", "_")
    if alert == "certificate_expired" or alert in _ABOUT_US:
        return own_fault(config, now_ms) or CertificateRefused(reason=alert)
    return TlsFailed(host=config.host, reason=alert)


def _of_verification(error: ssl.SSLCertVerificationError, config: LinkConfig, now_ms: int) -> LinkError:
    match error.verify_code:
        case _Verify.NOT_YET_VALID:
            return ClockWrong(today=_day(now_ms))
        case _Verify.EXPIRED:
            own = own_fault(config, now_ms)
            return own if isinstance(own, ClockWrong) else BrokerCertificateExpired(host=config.host)
        case _Verify.HOSTNAME | _Verify.IP_ADDRESS:
            return BrokerNameMismatch(host=config.host)
        case _:
            return BrokerUntrusted(host=config.host)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
