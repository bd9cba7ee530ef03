"""Takes messages of stations in: examined one by one, stored together in one transaction, answered after it.

A message is acknowledged to the broker only after the commit that holds what became of it. Nothing a station sends may
raise here: a bad bundle is stored as rejected and receipted with a code, any other bad message is dropped with a
warning, and the next one is taken. Only a database that cannot be written stops ingest; then nothing is acknowledged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from central import log
from central.answers import answer_case_request, answer_sync
from central.clock import NowMs
from central.errors import BundleRejected, StationsUnreadable, StoreUnavailable
from central.examine import Code, Examined, examine
from central.keys import CentreKeys
from central.stations import StationDirectory
from central.store import bundles
from central.store import stations as station_words
from central.store.engine import Store
from central.store.outbound import Kind, Outgoing, queue
from wire import topics
from wire.errors import WireError
from wire.ids import is_ulid
from wire.messages import CaseRequest, Receipt, StationEvent, StationState, Sync, Verdict
from wire.model import WireModel

Action = Callable[[Connection], list[Outgoing]]
"""What a message causes; its result may be published once the transaction is through."""

ModelT = TypeVar("ModelT", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes


class Ingest:
    """The handling of messages, whoever delivers them."""

    def __init__(self, store: Store, stations: StationDirectory, keys: CentreKeys, now_ms: NowMs) -> None:
        self._store = store
        self._stations = stations
        self._keys = keys
        self._now_ms = now_ms

    def take(self, messages: Sequence[Message]) -> list[Outgoing]:
        """Stores what became of `messages`; what it returns may be published, then the messages acknowledged.

        Raises:
            StoreUnavailable: nothing was stored, nothing may be acknowledged.
        """
        actions = [self._prepare(message) for message in messages]
        try:
            return self._together(actions)
        except StoreUnavailable:
            raise
        except Exception as error:
            # One of them cannot be stored: find it, and let the others through.
            log.failure("batch_failed", error, size=len(actions))
        return [
            sent for message, action in zip(messages, actions, strict=True) for sent in self._alone(message, action)
        ]

    def _together(self, actions: Sequence[Action]) -> list[Outgoing]:
        with self._store.write() as connection:
            return [sent for action in actions for sent in action(connection)]

    def _alone(self, message: Message, action: Action) -> list[Outgoing]:
        try:
            return self._together([action])
        except StoreUnavailable:
            raise
        except Exception as error:
            log.failure("message_failed", error)
        topic = topics.parse(message.topic)
        if topic is None or topic.kind != "bundle":
            return []
        return self._together([self._reject(topic, message.payload, Code.CENTRE_ERROR)])

    def _prepare(self, message: Message) -> Action:
        topic = topics.parse(message.topic)
        if topic is None:
            return _drop("unknown_topic", station=None)
        try:
            return self._action(topic, message.payload)
        except StationsUnreadable as error:
            # An admin's slip with a folder is no fault of a bundle: no receipt, and the station sends it again.
            return _drop("stations_unreadable", station=topic.station, kind=topic.kind, reason=str(error))
        except WireError as error:
            return _drop("message_invalid", station=topic.station, kind=topic.kind, reason=str(error))
        except Exception as error:
            log.failure("message_failed", error, station=topic.station, kind=topic.kind)
            return self._reject(topic, message.payload, Code.CENTRE_ERROR) if topic.kind == "bundle" else _nothing

    def _action(self, topic: topics.StationTopic, payload: bytes) -> Action:
        match topic.direction, topic.kind, topic.name:
            case "up", "bundle", name if is_ulid(name):
                return self._bundle(topic, payload)
            case "up", "sync", "":
                sync = _of_station(Sync, payload, topic.station)
                return lambda connection: answer_sync(connection, sync, self._stations, self._keys, self._now_ms())
            case "up", "request", "case":
                wanted = _of_station(CaseRequest, payload, topic.station)
                return lambda c: answer_case_request(c, wanted, self._stations, self._keys, self._now_ms())
            case "up", "event", _:
                event = _of_station(StationEvent, payload, topic.station)
                return lambda connection: _keep(station_words.keep_event, connection, event, self._now_ms())
            case "state", _, _:
                state = _of_station(StationState, payload, topic.station)
                return lambda connection: _keep(station_words.keep_state, connection, state, self._now_ms())
            case _:
                return _drop("unknown_topic", station=topic.station)

    def _bundle(self, topic: topics.StationTopic, raw: bytes) -> Action:
        try:
            found = examine(raw, topic.station, topic.name, self._stations, self._keys.opening, self._now_ms())
        except BundleRejected as error:
            return self._reject(topic, raw, error.code)
        return self._store_bundle(topic, raw, found)

    def _store_bundle(self, topic: topics.StationTopic, raw: bytes, found: Examined) -> Action:
        sha256 = hashlib.sha256(raw)

        def action(connection: Connection) -> list[Outgoing]:
            now_ms = self._now_ms()
            try:
                verdict = bundles.store_capture(connection, found, raw, sha256.hexdigest(), self._keys.signing, now_ms)
            except BundleRejected as error:
                return self._reject(topic, raw, error.code)(connection)
            log.event(f"bundle_{verdict.value}", station=topic.station, bundle=topic.name, size=len(raw))
            return [self._receipt(connection, topic, sha256.digest(), verdict, None, now_ms)]

        return action

    def _reject(self, topic: topics.StationTopic, raw: bytes, code: str) -> Action:
        sha256 = hashlib.sha256(raw)

        def action(connection: Connection) -> list[Outgoing]:
            now_ms = self._now_ms()
            if bundles.stored_sha256(connection, topic.station, topic.name) == sha256.hexdigest():
                # Stored while the station's record still counted: what is stored stays stored.
                return [self._receipt(connection, topic, sha256.digest(), Verdict.DUPLICATE, None, now_ms)]
            bundles.store_rejection(connection, topic.station, topic.name, raw, sha256.hexdigest(), str(code), now_ms)
            log.warning("bundle_rejected", station=topic.station, bundle=topic.name, code=str(code), size=len(raw))
            return [self._receipt(connection, topic, sha256.digest(), Verdict.REJECTED, str(code), now_ms)]

        return action

    def _receipt(
        self,
        connection: Connection,
        topic: topics.StationTopic,
        sha256: bytes,
        verdict: Verdict,
        code: str | None,
        now_ms: int,
    ) -> Outgoing:
        receipt = Receipt(
            station_id=topic.station,
            bundle_id=topic.name,
            envelope_sha256=sha256,
            verdict=verdict,
            code=code,
            at_ms=now_ms,
        )
        return queue(connection, Kind.RECEIPT, topic.station, topic.name, receipt.signed(self._keys.signing), now_ms)


def _of_station(model: type[ModelT], payload: bytes, station_id: str) -> ModelT:
    """The message, of the station on whose topic it came. Raises WireError."""
    found = model.decode(payload)
    if getattr(found, "station_id", None) != station_id:
        raise WireError()
    return found


def _keep(
    keep: Callable[[Connection, ModelT, int], None], connection: Connection, word: ModelT, now_ms: int
) -> list[Outgoing]:
    keep(connection, word, now_ms)
    return []


def _drop(code: str, **ids: log.Value) -> Action:
    log.warning(code, **ids)
    return _nothing


def _nothing(_connection: Connection) -> list[Outgoing]:
    return []
