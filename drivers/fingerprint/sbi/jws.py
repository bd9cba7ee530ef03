"""Signed tokens of the device: JSON Web Signature, compact form (RFC 7515), certificate chain in `x5c`.

Pure; the time comes in. Must never accept an unsigned token, an algorithm other than those listed, or a chain that does
not end at a configured trust anchor.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

MAX_CHAIN_DEPTH = 4
MIN_RSA_BITS = 2048


class JwsInvalid(ValueError):
    """A token that does not verify; the text says why and holds no personal data."""


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token.

    Attributes:
        payload: the JSON object that was signed.
        certificate: of the key that signed it.
    """

    payload: dict[str, Any]
    certificate: x509.Certificate


def decoded(text: str) -> bytes:
    """base64url without padding (RFC 7515, appendix C); also accepts padding. Raises JwsInvalid."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise JwsInvalid("not base64url") from None


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verified(token: str, anchors: Sequence[x509.Certificate], at: datetime) -> Token:
    """Checks chain and signature of a compact token.

    Args:
        anchors: trust anchors; at least one.
        at: the moment at which every certificate must be valid, aware.

    Raises:
        JwsInvalid: anything else than a token signed by a key whose certificate leads to an anchor.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise JwsInvalid("not a signed token")
    header = _object(decoded(parts[0]), "header")
    if "crit" in header:
        raise JwsInvalid("unknown critical header")
    certificates = _certificates(header.get("x5c"))
    _check_chain(certificates, anchors, at)
    _check_signature(certificates[0], header.get("alg"), f"{parts[0]}.{parts[1]}".encode(), decoded(parts[2]))
    return Token(_object(decoded(parts[1]), "payload"), certificates[0])


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise JwsInvalid(f"{name} is not JSON") from None
    if not isinstance(value, dict):
        raise JwsInvalid(f"{name} is not an object")
    return value


def _certificates(value: object) -> list[x509.Certificate]:
    if not isinstance(value, list) or not value or len(value) > MAX_CHAIN_DEPTH + 1:
        raise JwsInvalid("no certificate chain")
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(str(entry), validate=True)) for entry in value]
    except (ValueError, binascii.Error):
        raise JwsInvalid("certificate chain does not parse") from None


def _check_chain(chain: list[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime) -> None:
    """Path validation of RFC 5280 by the library; device certificates need no name a web server would have."""
    if not anchors:
        raise JwsInvalid("no trust anchor")
    verifier = (
        PolicyBuilder()
        .store(Store(list(anchors)))
        .time(at)
        .max_chain_depth(MAX_CHAIN_DEPTH)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(chain[0], chain[1:])
    except VerificationError as error:
        raise JwsInvalid(f"certificate chain: {error}") from None


def _check_signature(certificate: x509.Certificate, algorithm: object, signed: bytes, signature: bytes) -> None:
    key = certificate.public_key()
    try:
        match key, algorithm:
            case rsa.RSAPublicKey(), "RS256" if key.key_size >= MIN_RSA_BITS:
                key.verify(signature, signed, padding.PKCS1v15(), SHA256())
            case rsa.RSAPublicKey(), "PS256" if key.key_size >= MIN_RSA_BITS:
                key.verify(signature, signed, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
            case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()), "ES256" if len(signature) == 64:
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
            case _:
                raise JwsInvalid(f"algorithm {algorithm!r} with this key")
    except InvalidSignature:
        raise JwsInvalid("signature") from None
