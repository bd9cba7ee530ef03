"""Errors of the centre.

CentralError(EidError)
├── ConfigInvalid          the configuration file is missing, has an unknown key or a wrong value
├── KeysMissing            a key file of the centre cannot be read
├── StoreOutdated          the database has not been brought to this version
├── StoreUnavailable       the database cannot be reached or written
├── StationUnknown         no record of that station
├── StationRecordInvalid   a record that is not one
├── StationsUnreadable     the system does not let the records be read; whose they are is not known then
├── DataFileInvalid        a dated data file (plans, consent texts) that cannot be used
├── PlanUnknown            no capture plan of that name is in force
├── CaseUnknown            no case of that dossier id
├── CaseRefused            a case that must not be captured; the code says why
├── BundleRejected         an envelope that must not be stored as a capture; `code` goes into the receipt
├── BrokerUnreachable      no connection to the broker within the deadline
├── OutputExists           the folder for opened files is not empty
├── EnvelopeUnreadable     the envelope file cannot be read
├── Tk01Unreadable         the TK01 file cannot be read
├── SystemRefused          the operating system refused a file, a folder or a port
├── Unexpected             an exception nobody foresaw, without its text
└── OutsideSystemError     register or authority did not do what was asked (central/adapters/port.py)
"""

from __future__ import annotations

from wire.errors import EidError


class CentralError(EidError):
    """Root of the branch."""

    message_id = "error.central.text"


class ConfigInvalid(CentralError, ValueError):
    """Parameters: file, field, problem."""

    message_id = "error.central.config"


class KeysMissing(CentralError, FileNotFoundError):
    """Parameter: file."""

    message_id = "error.central.keys"


class StoreOutdated(CentralError):
    """Parameters: found, wanted."""

    message_id = "error.central.store_outdated"


class StoreUnavailable(CentralError):
    """Parameter: reason (the driver's class name)."""

    message_id = "error.central.store_unavailable"


class StationUnknown(CentralError, LookupError):
    """Parameter: station."""

    message_id = "error.central.station_unknown"


class StationRecordInvalid(CentralError, ValueError):
    """Parameter: file."""

    message_id = "error.central.station_record"


class StationsUnreadable(CentralError, OSError):
    """Parameters: file, reason."""

    message_id = "error.central.stations_unreadable"


class DataFileInvalid(CentralError, ValueError):
    """Parameters: file, problem."""

    message_id = "error.central.data_file"


class PlanUnknown(CentralError, LookupError):
    """Parameters: plan, known."""

    message_id = "error.central.plan_unknown"


class CaseUnknown(CentralError, LookupError):
    """Parameter: dossier."""

    message_id = "error.central.case_unknown"


class CaseRefused(CentralError):
    """Parameters: outcome, code."""

    message_id = "error.central.case_refused"


class BundleRejected(CentralError, ValueError):
    """Parameter: code."""

    message_id = "error.central.bundle_rejected"

    def __init__(self, code: str) -> None:
        super().__init__(code=code)
        self.code = code


class BrokerUnreachable(CentralError, ConnectionError):
    """Parameters: host, port, reason."""

    message_id = "error.central.broker"


class OutputExists(CentralError, FileExistsError):
    """Parameter: where."""

    message_id = "error.central.output_exists"


class EnvelopeUnreadable(CentralError, FileNotFoundError):
    """Parameter: file."""

    message_id = "error.central.envelope_file"


class Tk01Unreadable(CentralError, FileNotFoundError):
    """Parameter: file."""

    message_id = "error.central.tk01_file"


class SystemRefused(CentralError, OSError):
    """Parameters: what (path, or `-`), reason (of the operating system)."""

    message_id = "error.central.system"


class Unexpected(CentralError):
    """Parameters: error (class), where (places in the code). Its text is left out: it may hold personal data."""

    message_id = "error.central.unexpected"


class OutsideSystemError(CentralError):
    """Root of what register and authority can do wrong."""

    message_id = "error.central.outside"
