"""Times of sealing and opening beside the bare primitives, in one run: `python -m benchmarks.envelope`.

Both sides do the same cryptography: AES-256-GCM over the content, HPKE wrap of the key, SHA-256 of the ciphertext, one
signature over the digest. What the envelope adds is its form. Prints medians of calls that take turns; asserts nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wire import envelope
from wire.envelope import EnvelopeType, Routing
from wire.ids import CENTRE
from wire.keys import OpeningKey, SignatureAlgorithm, SigningKey

ROUTING = Routing(EnvelopeType.BUNDLE, "st-0001", CENTRE, "01JD7Q3V5T9W8X6Y4Z2A0B1C3D")
INFO = bytes(64)
HYBRID = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
CURVE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
Work = Callable[[], object]


class Bare:
    """The primitives with nothing around them."""

    def __init__(self, suite: hpke.Suite, private: Any, public: Any) -> None:
        self._suite, self._private, self._public = suite, private, public
        self._signing = ed25519.Ed25519PrivateKey.generate()
        self._verifying = self._signing.public_key()

    def seal(self, content: bytes) -> tuple[bytes, bytes, bytes, bytes]:
        key, nonce = os.urandom(32), os.urandom(12)
        ciphertext = AESGCM(key).encrypt(nonce, content, INFO)
        wrapped = self._suite.encrypt(key, self._public, INFO)
        return nonce, ciphertext, wrapped, self._signing.sign(hashlib.sha256(ciphertext).digest())

    def open(self, sealed: tuple[bytes, bytes, bytes, bytes]) -> bytes:
        nonce, ciphertext, wrapped, signature = sealed
        self._verifying.verify(signature, hashlib.sha256(ciphertext).digest())
        key = bytes(self._suite.decrypt(wrapped, self._private, INFO))
        return AESGCM(key).decrypt(nonce, ciphertext, INFO)


def bare_hybrid() -> Bare:
    lattice, curve = mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    private = hpke.MLKEM768X25519PrivateKey(lattice, curve)
    return Bare(HYBRID, private, hpke.MLKEM768X25519PublicKey(lattice.public_key(), curve.public_key()))


def bare_curve() -> Bare:
    private = x25519.X25519PrivateKey.generate()
    return Bare(CURVE, private, private.public_key())


def medians_ms(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Medians of calls in turns, so that all meet the same caches and the same load; ms."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 3):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if number >= 3:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) * 1000 for name, found in times.items()}


def works(content: bytes, algorithm: SignatureAlgorithm) -> dict[str, Work]:
    signer, opening, escrow = SigningKey.generate(algorithm), OpeningKey(os.urandom(32)), OpeningKey(os.urandom(32))
    hybrid, curve = bare_hybrid(), bare_curve()
    one, both = [opening.sealing_key], [opening.sealing_key, escrow.sealing_key]

    def sealed(recipients: list[Any]) -> bytes:
        return envelope.seal(content, ROUTING, [signer], recipients, os.urandom)

    def opened(raw: bytes) -> bytes:
        verified = envelope.verify(envelope.parse(raw), [signer.verifying_key])
        return envelope.open_content(verified, [opening])

    raw, by_hybrid, by_curve = sealed(one), hybrid.seal(content), curve.seal(content)
    assert opened(raw) == hybrid.open(by_hybrid) == curve.open(by_curve) == content
    return {
        "seal": lambda: sealed(one),
        "seal, bare": lambda: hybrid.seal(content),
        "seal, two recipients": lambda: sealed(both),
        "seal, bare, X25519 alone": lambda: curve.seal(content),
        "open": lambda: opened(raw),
        "open, bare": lambda: hybrid.open(by_hybrid),
        "open, bare, X25519 alone": lambda: curve.open(by_curve),
        "parse and verify only": lambda: envelope.verify(envelope.parse(raw), [signer.verifying_key]),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--size", type=int, default=300_000, help="bytes of the content")
    arguments.add_argument("--rounds", type=int, default=300)
    options, _ = arguments.parse_known_args()
    content = os.urandom(options.size)
    print(f"content {options.size:,} B, Ed25519, HPKE MLKEM768-X25519; medians of {options.rounds} rounds in turns")
    found = medians_ms(works(content, SignatureAlgorithm.ED25519), options.rounds)
    print(f"{'':28}{'ms':>8}{'of bare':>9}")
    for name, time_ms in found.items():
        bare = found["open, bare" if name.startswith(("open", "parse")) else "seal, bare"]
        print(f"{name:28}{time_ms:8.3f}{time_ms / bare:9.2f}")


if __name__ == "__main__":
    main()
