"""Document portrait against live face: one cosine, one verdict.

Pure. Warns, never decides: whatever comes out, the session goes on, and the bundle says what it was.
"""

from __future__ import annotations

import math
import struct

from station.workflow.state import MatchPolicy
from wire.bundle import DocumentMatch, Embedding, MatchVerdict


def compared(document: Embedding | None, live: Embedding, policy: MatchPolicy | None) -> DocumentMatch | None:
    """The comparison of two templates of the same model; None where there is nothing that may be compared.

    Args:
        document: of the portrait on the page.
        live: of the person at the desk.
        policy: limits for the model; templates of any other model are not compared with them.
    """
    if document is None or policy is None:
        return None
    if _kind(document) != _kind(live) or live.model_id != policy.model_id:
        return None
    score = _cosine(_vector(document), _vector(live))
    return DocumentMatch(score=score, threshold=policy.accept, verdict=_verdict(score, policy), model_id=live.model_id)


def _kind(embedding: Embedding) -> tuple[str, bytes, str, int]:
    return embedding.model_id, embedding.weights_sha256, embedding.alignment, embedding.dimension


def _vector(embedding: Embedding) -> tuple[float, ...]:
    return struct.unpack(f"<{embedding.dimension}f", embedding.vector)


def _cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """-1..1; 0 for a template without length or with values that are no numbers: it resembles nobody."""
    length = math.sqrt(math.fsum(value * value for value in one) * math.fsum(value * value for value in other))
    dot = math.fsum(a * b for a, b in zip(one, other, strict=True))
    if not (math.isfinite(length) and math.isfinite(dot)) or length == 0.0:
        return 0.0
    return max(-1.0, min(1.0, dot / length))


def _verdict(score: float, policy: MatchPolicy) -> MatchVerdict:
    if score >= policy.accept:
        return MatchVerdict.ACCEPT
    return MatchVerdict.REVIEW if score >= policy.review else MatchVerdict.REJECT
