"""Writes tests/wire/vectors/: `python -m tests.wire.make_vectors`. Not run by the tests.

Keys, content keys and nonces are fixed; HPKE's encapsulation and ECDSA take their own randomness, so the vectors are
for opening and verifying, not for making. Write them anew only when the format changes its version.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.wire import samples
from tests.wire.cbor_cases import ACCEPTED, REJECTED
from tests.wire.malformed import CONTENT_KEY, NONCE, specimens
from tests.wire.signed_cases import signed_cases
from wire import envelope
from wire.envelope import Routing
from wire.keys import OpeningKey, SealingKey, Signer, SigningKey

VECTORS = Path(__file__).parent / "vectors"

SIGNING = {
    "station": (samples.seed(0x01), samples.STATION_KEY),
    "station-p256": (samples.seed(0x31), samples.STATION_P256_KEY),
    "other": (samples.seed(0x02), samples.OTHER_KEY),
    "centre": (samples.seed(0x03), samples.CENTRE_KEY),
}
OPENING = {
    "centre": (samples.seed(0x11), samples.CENTRE_OPENING),
    "escrow": (samples.seed(0x12), samples.ESCROW_OPENING),
    "station": (samples.seed(0x13), samples.STATION_OPENING),
    "foreign": (samples.seed(0x14), samples.FOREIGN_OPENING),
}


def fixed_bytes(length: int) -> bytes:
    return {32: CONTENT_KEY, 12: NONCE}[length]


def keys() -> dict[str, Any]:
    return {
        "signing": {name: _signing(secret, key) for name, (secret, key) in SIGNING.items()},
        "opening": {name: _opening(secret, key) for name, (secret, key) in OPENING.items()},
    }


def _signing(secret: bytes, key: SigningKey) -> dict[str, Any]:
    public = key.verifying_key
    return {
        "alg": int(public.algorithm),
        "private": secret.hex(),
        "public": public.public.hex(),
        "kid": public.kid.hex(),
        "private_json": key.to_json(),
        "public_json": public.to_json(),
    }


def _opening(seed: bytes, key: OpeningKey) -> dict[str, Any]:
    public = key.sealing_key
    return {
        "seed": seed.hex(),
        "public": public.public.hex(),
        "kid": public.kid.hex(),
        "private_json": key.to_json(),
        "public_json": public.to_json(),
    }


def envelopes() -> list[dict[str, Any]]:
    bundle, order = samples.bundle().encode(), samples.order().encode()
    up, down = samples.BUNDLE_ROUTING, samples.CASE_ROUTING
    return [
        _envelope("smallest", b"\xa0", up, ["station"], ["centre"]),
        _envelope("bundle", bundle, up, ["station"], ["centre"]),
        _envelope("bundle, two keys and two recipients", bundle, up, ["station", "station-p256"], ["centre", "escrow"]),
        _envelope("bundle, P-256", bundle, up, ["station-p256"], ["centre"]),
        _envelope("case", order, down, ["centre"], ["station"]),
    ]


def _envelope(name: str, content: bytes, routing: Routing, signers: list[str], to: list[str]) -> dict[str, Any]:
    chosen: list[Signer] = [SIGNING[signer][1] for signer in signers]
    sealing: list[SealingKey] = [OPENING[recipient][1].sealing_key for recipient in to]
    sealed = envelope.seal(content, routing, chosen, sealing, fixed_bytes)
    return {
        "name": name,
        "type": routing.type.value,
        "from": routing.sender,
        "to": routing.recipient,
        "id": routing.object_id,
        "signers": signers,
        "recipients": to,
        "content_key": CONTENT_KEY.hex(),
        "nonce": NONCE.hex(),
        "content": content.hex(),
        "envelope": sealed.hex(),
        "envelope_sha256": hashlib.sha256(sealed).hexdigest(),
    }


def malformed() -> list[dict[str, Any]]:
    return [{"name": name, "envelope": raw.hex(), "reason": reason.value} for name, raw, reason in specimens()]


def messages() -> list[dict[str, Any]]:
    return [
        {"name": name, "type": kind, "message": raw.hex(), **outcome}
        for name, kind, raw, outcome in signed_cases()
        if len(raw) < 4096
    ]


def cbor_cases() -> dict[str, Any]:
    return {
        "accept": [{"hex": raw, "json": value} for raw, value in ACCEPTED],
        "reject": [{"hex": raw, "reason": reason} for raw, reason in REJECTED],
    }


def main() -> None:
    files = {
        "keys": keys(),
        "envelopes": envelopes(),
        "malformed": malformed(),
        "messages": messages(),
        "cbor": cbor_cases(),
    }
    for name, value in files.items():
        (VECTORS / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
