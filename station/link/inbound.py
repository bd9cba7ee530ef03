"""What a message from the broker is: verified, or named unfit. Pure; the broker is never trusted."""

from __future__ import annotations

from collections.abc import Sequence

from station.link import events as ev
from wire import envelope, topics
from wire.envelope import EnvelopeRejected, EnvelopeType
from wire.keys import VerifyingKey
from wire.messages import CentreState, Receipt, Status
from wire.signed import MessageRejected

Inbound = ev.ReceiptArrived | ev.StatusArrived | ev.CentreStateArrived | ev.CaseArrived | ev.MessageUnfit


def read(topic: str, raw: bytes, station_id: str, keys: Sequence[VerifyingKey]) -> Inbound:
    """The event a message means.

    Args:
        topic: as the broker delivered it.
        raw: the payload.
        station_id: who we are.
        keys: the centre's verifying keys.
    """
    if topic == topics.CENTRE_STATE:
        return _signed("centre", "", raw, keys)
    parsed = topics.parse(topic)
    if parsed is None or parsed.direction != "down" or parsed.station != station_id:
        return ev.MessageUnfit("other", "topic")
    match parsed.kind:
        case "receipt" | "status":
            return _signed(parsed.kind, parsed.name, raw, keys)
        case "case":
            return _case(parsed.name, raw, station_id, keys)
        case _:
            return ev.MessageUnfit("other", "kind")


def _signed(kind: str, name: str, raw: bytes, keys: Sequence[VerifyingKey]) -> Inbound:
    try:
        match kind:
            case "centre":
                return ev.CentreStateArrived(CentreState.verified(raw, keys), raw)
            case "receipt":
                receipt = Receipt.verified(raw, keys)
                return ev.ReceiptArrived(receipt, raw) if receipt.bundle_id == name else _routing(kind)
            case _:
                status = Status.verified(raw, keys)
                return ev.StatusArrived(status, raw) if status.bundle_id == name else _routing(kind)
    except MessageRejected as error:
        return ev.MessageUnfit(kind, str(error.params["reason"]))


def _case(name: str, raw: bytes, station_id: str, keys: Sequence[VerifyingKey]) -> Inbound:
    """Sealed to the station's key, which the link does not have; only the outside can be judged."""
    try:
        parsed = envelope.parse(raw)
        # During a change of keys the centre signs with either; a signature by anybody else still fails below.
        envelope.verify(parsed, [key for key in keys if key.kid in parsed.signer_kids])
    except EnvelopeRejected as error:
        return ev.MessageUnfit("case", error.reason.value)
    routing = parsed.routing
    if routing.type is not EnvelopeType.CASE or routing.recipient != station_id or routing.object_id != name:
        return _routing("case")
    return ev.CaseArrived(name, raw)


def _routing(kind: str) -> ev.MessageUnfit:
    return ev.MessageUnfit(kind, "routing")
