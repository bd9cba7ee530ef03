"""X.509 of the fleet: one authority (ECDSA P-256), server and client certificates, the revocation list (RFC 5280).

Time comes in as an argument. Private keys leave as PKCS#8 PEM for the caller to store. Must never issue a certificate
without an end, and never one that is both server and client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.errors import FleetDamaged

BACKDATED = timedelta(hours=1)
"""Certificates and lists begin a little in the past: clocks of broker and stations differ."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A new key and its certificate, both PEM."""

    key_pem: bytes
    certificate_pem: bytes
    serial: int
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Revoked:
    """One line of the revocation list."""

    serial: int
    at: datetime


class Authority:
    """The fleet's certificate authority, loaded."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def create(cls, name: str, now: datetime, years: int) -> Authority:
        """A new authority that may issue leaf certificates only (path length 0)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _begin(subject, subject, key.public_key(), now, now + timedelta(days=365 * years))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @classmethod
    def load(cls, key_pem: bytes, certificate_pem: bytes) -> Authority:
        """Raises FleetDamaged where these are not an authority's key and certificate."""
        try:
            key = serialization.load_pem_private_key(key_pem, password=None)
            certificate = x509.load_pem_x509_certificate(certificate_pem)
        except (ValueError, TypeError) as error:
            raise FleetDamaged(file="ca", reason="not PEM") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise FleetDamaged(file="ca", reason="key and certificate do not belong together")
        return cls(key, certificate)

    @property
    def key_pem(self) -> bytes:
        return _pem(self._key)

    @property
    def certificate_pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue_server(self, hosts: Iterable[str], now: datetime, days: int) -> Certified:
        """For a broker that clients reach under any of `hosts` (DNS names or IP addresses)."""
        hosts = list(hosts)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return self._issue(hosts[0], names, ExtendedKeyUsageOID.SERVER_AUTH, now, days)

    def issue_client(self, name: str, uri: str, now: datetime, days: int) -> Certified:
        """For a station or a centre worker: CN `name` is also its MQTT user name and client id."""
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        return self._issue(name, names, ExtendedKeyUsageOID.CLIENT_AUTH, now, days)

    def revocation_list(self, revoked: Iterable[Revoked], number: int, now: datetime, days: int) -> bytes:
        """PEM. OpenSSL refuses every client once a list has passed its `nextUpdate`: renew it well before `days`."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._certificate.subject)
        builder = builder.last_update(now - BACKDATED).next_update(now + timedelta(days=days))
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        builder = builder.add_extension(self._issuer_key_id(), critical=False)
        for entry in revoked:
            line = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.at)
            builder = builder.add_revoked_certificate(line.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _issuer_key_id(self) -> x509.AuthorityKeyIdentifier:
        own = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)

    def _issue(
        self, name: str, names: x509.SubjectAlternativeName, purpose: x509.ObjectIdentifier, now: datetime, days: int
    ) -> Certified:
        key = ec.generate_private_key(ec.SECP256R1())
        end = min(now + timedelta(days=days), self._certificate.not_valid_after_utc)
        builder = _begin(_name(name), self._certificate.subject, key.public_key(), now, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(self._issuer_key_id(), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return Certified(_pem(key), pem, certificate.serial_number, certificate.not_valid_after_utc)


def server_names(certificate_pem: bytes) -> list[str]:
    """The hosts a server certificate was issued for, in order. Raises FleetDamaged."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise FleetDamaged(file="server.crt", reason="not a server certificate") from error
    return [str(name.value) for name in names]


def _begin(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - BACKDATED).not_valid_after(end)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
