"""Keys and certificates of an emulated scanner, and the tokens it signs. Never for anything real."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from drivers.fingerprint.sbi.jws import encoded

_BITS = 2048


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device key with its chain, leaf first, without the anchor."""

    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    def token(self, payload: dict[str, Any], *, algorithm: str = "RS256", damage: bool = False) -> str:
        """A signed compact token; `damage` changes the payload after signing, `none` leaves it unsigned."""
        x5c = [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in self.chain]
        header = encoded(json.dumps({"alg": algorithm, "typ": "JWT", "x5c": x5c}).encode())
        body = encoded(json.dumps(payload).encode())
        if algorithm == "none":
            return f"{header}.{body}."
        signature = self.key.sign(f"{header}.{body}".encode(), padding.PKCS1v15(), SHA256())
        if damage:
            body = encoded(json.dumps({**payload, "qualityScore": "99"}).encode())
        return f"{header}.{body}.{encoded(signature)}"


@dataclass(frozen=True, slots=True)
class Authority:
    """A trust anchor that issues provider and device certificates."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """For the client's trust anchors."""
        return self.certificate.public_bytes(Encoding.PEM)

    def device(self, serial_no: str, *, expired: bool = False) -> DeviceKey:
        """A new device key, certified through a device provider."""
        provider_key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        provider = _certificate("Emulated device provider", provider_key, self.certificate.subject, self.key, ca=True)
        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        leaf = _certificate(serial_no, key, provider.subject, provider_key, ca=False, expired=expired)
        return DeviceKey(key, (leaf, provider))


def authority() -> Authority:
    """A new trust anchor."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Emulated root")])
    return Authority(key, _certificate("Emulated root", key, name, key, ca=True))


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    ca: bool,
    expired: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    until = now - timedelta(days=1) if expired else now + timedelta(days=30)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(ca), critical=True)
    )
    return builder.sign(issuer_key, SHA256())


def _usage(ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
