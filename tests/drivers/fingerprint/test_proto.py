"""Framing: nothing but whole, correct packets gets through, whatever the line does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.fingerprint.proto import ADDRESS, START, Kind, Packet, PacketReader, command

packets = st.builds(
    Packet, st.sampled_from([Kind.DATA, Kind.ACK, Kind.END, Kind.COMMAND]), st.binary(min_size=1, max_size=256)
)


def _read(reader: PacketReader, data: bytes, step: int = 7) -> list[Packet]:
    found = []
    for at in range(0, len(data), step):
        reader.feed(data[at : at + step])
        while (packet := reader.next()) is not None:
            found.append(packet)
    return found


def test_a_command_has_the_bytes_of_the_manual() -> None:
    """VerifyPassword with password 0: EF 01, address, 01, 00 07, 13 00000000, sum 001B."""
    assert command(0x13, 0, 0, 0, 0).hex() == "ef01ffffffff01000713000000" + "00001b"


@given(st.lists(packets, max_size=5), st.integers(1, 40))
def test_packets_survive_any_split(sent: list[Packet], step: int) -> None:
    """What was packed is read, in order, without noise or damage."""
    reader = PacketReader()
    found = _read(reader, b"".join(packet.pack() for packet in sent), step)

    assert found == sent
    assert (reader.damaged, bytes(reader.noise)) == (0, b"")


@given(packets, packets, st.binary(max_size=20).filter(lambda noise: START[:1] not in noise))
def test_noise_between_packets_is_skipped_and_remembered(first: Packet, second: Packet, noise: bytes) -> None:
    """The reader finds the next start by itself."""
    reader = PacketReader()

    assert _read(reader, first.pack() + noise + second.pack()) == [first, second]
    assert bytes(reader.noise) == noise


@given(packets, st.data())
def test_a_changed_bit_never_gives_another_packet(packet: Packet, data: st.DataObject) -> None:
    """Start, address, kind, length, payload and sum are all checked."""
    raw = bytearray(packet.pack())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    found = _read(PacketReader(), bytes(raw))

    assert all(other == packet for other in found)
    assert packet not in found


@given(packets, packets, st.data())
def test_after_a_lost_byte_the_next_packet_is_found(first: Packet, second: Packet, data: st.DataObject) -> None:
    """A length that now points too far costs the packet, not the line."""
    raw = bytearray(first.pack())
    del raw[data.draw(st.integers(0, len(raw) - 1))]
    reader = PacketReader()
    found = _read(reader, bytes(raw) + second.pack() + bytes(300))

    assert second in found
    assert reader.damaged or reader.noise


@given(st.binary(max_size=600))
def test_arbitrary_bytes_never_raise_and_never_grow_without_bound(data: bytes) -> None:
    """The buffer holds at most one packet that is still arriving."""
    reader = PacketReader()
    for found in _read(reader, data):
        assert found.pack() in data
    reader.feed(bytes(1000))
    while reader.next() is not None:
        pass

    assert len(reader._buffer) <= 2
    assert len(reader.noise) <= 64


def test_another_address_is_not_ours() -> None:
    """A packet of a different module on the line is damage, not an answer."""
    reader = PacketReader()

    assert _read(reader, Packet(Kind.ACK, b"\0", b"\0\0\0\1").pack() + bytes(20)) == []
    assert ADDRESS == b"\xff" * 4
