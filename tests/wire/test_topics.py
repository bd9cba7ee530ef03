"""Topics: what is built is what is parsed, everything else is None, and no topic says who somebody is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire import samples
from tests.wire.fuzzing import fuzz
from wire import topics
from wire.ids import STATION_ID_PATTERN, ULID_PATTERN, is_station_id, is_ulid
from wire.topics import StationTopic, parse

STATIONS = st.from_regex(STATION_ID_PATTERN.replace("$", r"\Z"), fullmatch=True).filter(is_station_id)
ULIDS = st.from_regex(ULID_PATTERN.replace("$", r"\Z"), fullmatch=True)
WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", fullmatch=True)
BY_ULID: dict[tuple[str, str], Callable[[str, str], str]] = {
    ("up", "bundle"): topics.up_bundle,
    ("down", "receipt"): topics.down_receipt,
    ("down", "status"): topics.down_status,
    ("down", "case"): topics.down_case,
}
BY_WORD: dict[tuple[str, str], Callable[[str, str], str]] = {
    ("up", "event"): topics.up_event,
    ("up", "request"): topics.up_request,
    ("down", "command"): topics.down_command,
}


def rebuilt(topic: StationTopic) -> str:
    """By the builder of its kind."""
    if topic.direction == "state":
        return topics.state(topic.station)
    if (topic.direction, topic.kind) == ("up", "sync"):
        return topics.up_sync(topic.station)
    return (BY_ULID | BY_WORD)[topic.direction, topic.kind](topic.station, topic.name)


@fuzz
@given(STATIONS, ULIDS, WORDS)
def test_parsing_is_the_inverse_of_building(station: str, ulid: str, word: str) -> None:
    """For every kind of topic."""
    assert parse(topics.state(station)) == StationTopic(station, "state")
    assert parse(topics.up_sync(station)) == StationTopic(station, "up", "sync")
    for builders, name in ((BY_ULID, ulid), (BY_WORD, word)):
        for (direction, kind), build in builders.items():
            assert parse(build(station, name)) == StationTopic(station, direction, kind, name)


WORDS_OF_TOPICS = "eid v1 v2 st st-0001 centre up down state bundle sync receipt event case command reboot $share + #"
LEVELS = st.sampled_from([*WORDS_OF_TOPICS.split(), samples.BUNDLE_ID, ""])


@fuzz
@given(st.lists(LEVELS, max_size=8).map("/".join) | st.text(max_size=40))
@example(f"eid/v1/st/st-0001/up/bundle/{samples.BUNDLE_ID}\n")
def test_whatever_is_parsed_can_be_built_again(text: str) -> None:
    """So nothing else is ever parsed."""
    found = parse(text)

    assert found is None or rebuilt(found) == text


@pytest.mark.parametrize(
    "topic",
    [
        "",
        topics.CENTRE_STATE,
        "eid/v1/st/st-0001",
        "eid/v1/st/st-0001/",
        "eid/v1/st/st-0001/state/",
        "/eid/v1/st/st-0001/state",
        "eid/v2/st/st-0001/state",
        "EID/v1/st/st-0001/state",
        "eid/v1/st/ST-0001/state",
        "eid/v1/st/centre/state",
        "eid/v1/st/centre-1/state",
        "eid/v1/st/+/state",
        "eid/v1/st/st-0001/up",
        "eid/v1/st/st-0001/up/bundle",
        "eid/v1/st/st-0001/up/bundle/",
        "eid/v1/st/st-0001/up/bundle/nguyen-van-a",
        f"eid/v1/st/st-0001/up/bundle/{samples.BUNDLE_ID}/x",
        f"eid/v1/st/st-0001/up/bundle/{samples.BUNDLE_ID.lower()}",
        f"eid/v1/st/st-0001/up/receipt/{samples.BUNDLE_ID}",
        f"eid/v1/st/st-0001/down/bundle/{samples.BUNDLE_ID}",
        "eid/v1/st/st-0001/up/sync/now",
        "eid/v1/st/st-0001/up/event/",
        "eid/v1/st/st-0001/up/event/#",
        "eid/v1/st/st-0001/up/event/" + "a" * 65,
        "eid/v1/st/st-0001/sideways/event/a",
    ],
)
def test_other_topics_are_none(topic: str) -> None:
    """Not ours, not whole, not in the right direction, or named otherwise."""
    assert parse(topic) is None


def test_subscriptions_cover_what_they_should() -> None:
    """MQTT filters, level by level."""
    assert topics.up_sync("+").removesuffix("sync") + "#" == topics.ALL_UPLINKS
    assert topics.state("+") == topics.ALL_STATION_STATES
    assert topics.all_downlinks("st-0001") == "eid/v1/st/st-0001/down/#"


@fuzz
@given(st.text(max_size=40))
def test_an_id_is_what_its_pattern_says(text: str) -> None:
    """Line ends and look-alikes of other scripts included."""
    assert not is_ulid(text) or (len(text) == 26 and text.isascii())
    assert not is_station_id(text) or (3 <= len(text) <= 32 and text.isascii())
    assert not is_ulid(samples.BUNDLE_ID + text) or text == ""
