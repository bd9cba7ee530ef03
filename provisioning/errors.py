"""Errors of the fleet tools.

FleetError(EidError)
├── FleetExists            the directory already holds a fleet, or anything else
├── FleetMissing           the directory holds no fleet
├── FleetDamaged           a file of the fleet is missing or is not what it should be
├── StationNameInvalid     a name no station may bear
├── StationExists          a station of that name is registered
├── StationUnknown         no station of that name is registered
├── StationRevoked         a station that was shut out
├── OutputExists           the directory for the station's files is not empty
├── CertificateExpired     a certificate that is past its last day
├── CertificateNotYetValid one whose first day has not come, seen from this machine's clock
├── StationFilesInvalid    a station's files do not belong together, or lie open to others
├── BrokerMissing          mosquitto is not installed
├── BrokerFailed           it ended, or did not answer within its deadline
└── SystemRefused          the operating system refused a file or a folder
"""

from __future__ import annotations

from wire.errors import EidError


class FleetError(EidError):
    """Root of the branch."""

    message_id = "error.fleet.text"


class FleetExists(FleetError, FileExistsError):
    """Parameter: where."""

    message_id = "error.fleet.exists"


class FleetMissing(FleetError, FileNotFoundError):
    """Parameter: where."""

    message_id = "error.fleet.missing"


class FleetDamaged(FleetError, ValueError):
    """Parameters: file, reason."""

    message_id = "error.fleet.damaged"


class StationNameInvalid(FleetError, ValueError):
    """Parameter: station."""

    message_id = "error.fleet.station_name"


class StationExists(FleetError):
    """Parameter: station."""

    message_id = "error.fleet.station_exists"


class StationUnknown(FleetError, LookupError):
    """Parameter: station."""

    message_id = "error.fleet.station_unknown"


class StationRevoked(FleetError):
    """Parameter: station."""

    message_id = "error.fleet.station_revoked"


class OutputExists(FleetError, FileExistsError):
    """Parameter: where."""

    message_id = "error.fleet.output_exists"


class CertificateExpired(FleetError):
    """Parameters: name, ended (date, UTC)."""

    message_id = "error.fleet.certificate_expired"


class CertificateNotYetValid(FleetError):
    """Parameters: name, begins (date, UTC)."""

    message_id = "error.fleet.certificate_early"


class StationFilesInvalid(FleetError, ValueError):
    """Parameters: file, reason."""

    message_id = "error.fleet.station_files"


class BrokerMissing(FleetError, FileNotFoundError):
    """No parameters."""

    message_id = "error.fleet.broker_missing"


class BrokerFailed(FleetError):
    """Parameters: reason, log (path of its log)."""

    message_id = "error.fleet.broker_failed"


class SystemRefused(FleetError, OSError):
    """Parameters: what (path, or `-`), reason (of the operating system)."""

    message_id = "error.fleet.system"
