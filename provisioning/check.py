"""Checks a station's files before they travel, or on the station: complete, private, belonging together, in date.

Must never change anything.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from provisioning.errors import CertificateExpired, CertificateNotYetValid, StationFilesInvalid
from provisioning.layout import StationLayout
from wire.errors import WireError
from wire.keys import OpeningKey, SealingKey, SigningKey, VerifyingKey


def check_certificate(certificate: x509.Certificate, now: datetime) -> str:
    """The name it was issued to.

    Raises:
        CertificateExpired, CertificateNotYetValid: seen from `now` (aware).
    """
    name = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    if now > certificate.not_valid_after_utc:
        raise CertificateExpired(name=name, ended=certificate.not_valid_after_utc.date().isoformat())
    if now < certificate.not_valid_before_utc:
        raise CertificateNotYetValid(name=name, begins=certificate.not_valid_before_utc.date().isoformat())
    return name


def check_station(root: Path, now: datetime) -> str:
    """The station's id.

    Raises:
        StationFilesInvalid: a file is missing, open to others, or not what it should be.
        CertificateExpired, CertificateNotYetValid
    """
    layout = StationLayout(root)
    for path in layout.files():
        _check_private(path)
    try:
        SigningKey.from_json(layout.signing_key.read_bytes())
        OpeningKey.from_json(layout.opening_key.read_bytes())
        SealingKey.from_json(layout.centre_sealing_key.read_bytes())
        for path in layout.centre_verifying_keys:
            VerifyingKey.from_json(path.read_bytes())
    except WireError as error:
        raise StationFilesInvalid(file=str(layout.capture), reason=str(error)) from None
    return check_certificate(_own_certificate(layout), now)


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise StationFilesInvalid(file=str(path), reason="missing") from None
    if mode & 0o077:
        raise StationFilesInvalid(file=str(path), reason=f"mode {mode & 0o777:o}, wanted 600")


def _own_certificate(layout: StationLayout) -> x509.Certificate:
    """Raises StationFilesInvalid unless certificate, key and authority belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(layout.tls_certificate.read_bytes())
        key = serialization.load_pem_private_key(layout.tls_key.read_bytes(), password=None)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(layout.ca_certificate.read_bytes()))
    except (ValueError, TypeError, InvalidSignature) as error:
        reason = "not from this fleet's authority" if isinstance(error, InvalidSignature) else "not PEM"
        raise StationFilesInvalid(file=str(layout.tls_certificate), reason=reason) from None
    if key.public_key() != certificate.public_key():
        raise StationFilesInvalid(file=str(layout.tls_key), reason="not the key of the certificate beside it")
    return certificate
