"""What can stand between a station and its broker, each with the sentence an officer or admin needs.

StationError
└── LinkError
    ├── LinkConfigInvalid        the link's configuration
    ├── CredentialUnusable       a certificate or key file that is not one
    ├── LinkAlreadyRunning       two links on one spool
    ├── BrokerNotFound           no address for the name
    ├── BrokerUnreachable        no TCP connection
    ├── ConnectionLost           it was there and went away
    ├── BrokerSilent             it is there and does not answer
    ├── ClockWrong               certificates cannot be judged with this clock
    ├── CertificateExpired       the station's own
    ├── CertificateRefused       the broker does not take the station's certificate
    ├── BrokerCertificateExpired
    ├── BrokerUntrusted          another authority
    ├── BrokerNameMismatch       another name
    ├── TlsFailed                anything else of TLS
    ├── BrokerRefused            CONNACK says no
    ├── NotAuthorised            connected, but the ACL says no
    ├── IdentityTakenOver        a second client with our certificate
    ├── QuotaExceeded            the broker wants a pause
    ├── CentreNotListening       the broker has nobody to give a bundle to
    ├── BundleSetApart           something lies in quarantine
    └── LinkCrashed              an unexpected exception; the process ends
"""

from __future__ import annotations

from station.errors import StationError


class LinkError(StationError):
    """Root of the branch."""

    message_id = "error.link.text"


class LinkConfigInvalid(LinkError, ValueError):
    """Parameters: file, field, reason."""

    message_id = "error.link.config"


class CredentialUnusable(LinkError):
    """Parameters: what (certificate, key, ca, centre_key), file, reason."""

    message_id = "error.link.credential"


class LinkAlreadyRunning(LinkError):
    """Parameter: where."""

    message_id = "error.link.running"


class BrokerNotFound(LinkError):
    """Parameter: host."""

    message_id = "error.link.unknown_host"


class BrokerUnreachable(LinkError):
    """Parameters: host, port."""

    message_id = "error.link.unreachable"


class ConnectionLost(LinkError):
    """Parameter: reason (MQTT reason code, or 0 where the connection just ended)."""

    message_id = "error.link.lost"


class BrokerSilent(LinkError, TimeoutError):
    """Parameter: after_s."""

    message_id = "error.link.stalled"


class ClockWrong(LinkError):
    """Parameter: today (ISO date the clock shows)."""

    message_id = "error.link.clock"


class CertificateExpired(LinkError):
    """Parameter: until (ISO date)."""

    message_id = "error.link.certificate.expired"


class CertificateRefused(LinkError):
    """Parameter: reason (name of the TLS alert)."""

    message_id = "error.link.certificate.revoked"


class BrokerCertificateExpired(LinkError):
    """Parameter: host."""

    message_id = "error.link.broker.expired"


class BrokerUntrusted(LinkError):
    """Parameter: host."""

    message_id = "error.link.broker.untrusted"


class BrokerNameMismatch(LinkError):
    """Parameter: host."""

    message_id = "error.link.broker.name"


class TlsFailed(LinkError):
    """Parameters: host, reason."""

    message_id = "error.link.tls"


class BrokerRefused(LinkError):
    """Parameter: code (MQTT reason code of CONNACK)."""

    message_id = "error.link.refused"


class NotAuthorised(LinkError):
    """Parameter: code (MQTT reason code)."""

    message_id = "error.link.not_authorised"


class IdentityTakenOver(LinkError):
    """No parameters."""

    message_id = "error.link.taken_over"


class QuotaExceeded(LinkError):
    """Parameter: code (MQTT reason code)."""

    message_id = "error.link.quota"


class CentreNotListening(LinkError):
    """No parameters."""

    message_id = "error.link.no_centre"


class BundleSetApart(LinkError):
    """Parameters: bundle, reason."""

    message_id = "error.link.quarantined"


class LinkCrashed(LinkError):
    """Parameter: reason (name of the exception's class)."""

    message_id = "error.link.crashed"
