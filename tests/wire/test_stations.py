"""The record of a station: which keys, until when."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.wire import samples
from tests.wire.fuzzing import fuzz
from wire.keys import KeyInvalid
from wire.stations import StationRecord


def test_a_record_gives_its_keys() -> None:
    """As texts in JSON that an admin can read; both keys of a station with two."""
    both = [samples.STATION_KEY.verifying_key, samples.STATION_P256_KEY.verifying_key]
    record = samples.record(verifying_keys=[key.to_json() for key in both])
    again = StationRecord.model_validate_json(record.model_dump_json())

    assert again == record
    assert again.verifying() == both
    assert again.sealing() == samples.STATION_OPENING.sealing_key


@pytest.mark.parametrize("count", [0, 3])
def test_a_station_has_one_or_two_keys(count: int) -> None:
    """As an envelope has signatures."""
    with pytest.raises(ValidationError):
        samples.record(verifying_keys=[samples.STATION_KEY.verifying_key.to_json()] * count)


def test_one_key_written_twice_is_not_two_keys() -> None:
    """Else a station enrolled with two keys would sign with one."""
    twice = samples.record(verifying_keys=[samples.STATION_KEY.verifying_key.to_json()] * 2)

    with pytest.raises(KeyInvalid):
        twice.verifying()


def test_a_broken_key_is_refused_by_name() -> None:
    """Also a private key in the place of a public one."""
    for text in ("", "{}", samples.STATION_KEY.to_json(), samples.CENTRE_OPENING.to_json()):
        with pytest.raises(KeyInvalid):
            samples.record(verifying_keys=[text]).verifying()
        with pytest.raises(KeyInvalid):
            samples.record(sealing_key=text).sealing()


def test_a_record_counts_from_its_first_to_its_last_millisecond() -> None:
    """And not at all once revoked, whatever the time."""
    record = samples.record()
    revoked = samples.record(revoked_ms=samples.NOW_MS + 500)
    times = [samples.NOW_MS + after for after in (-1, 0, 1000, 1001)]

    assert [record.accepts_at(time) for time in times] == [False, True, True, False]
    assert not any(revoked.accepts_at(time) for time in times)


@fuzz
@given(st.text(max_size=40) | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3).map(json.dumps))
def test_other_texts_are_no_record(text: str) -> None:
    """ValidationError and nothing else, without the text in it."""
    with pytest.raises(ValidationError) as caught:
        StationRecord.model_validate_json(text)

    assert "input_value" not in str(caught.value)
