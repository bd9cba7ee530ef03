"""The texts of mosquitto.conf and its access list. Pure.

Who may do what: a client's user name and its client id are the CN of its certificate, so a station cannot take over
another's session; a station writes only its own `up/#` and `state` and reads only its own `down/#` and
`centre/state`; centre workers read and write everything under `eid/v1`. Must never allow an anonymous client.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wire.topics import CENTRE_STATE, PREFIX

PACKET_LIMIT_BYTES = 2_228_224
"""Above the envelope limit of 2 MiB, so that the limit that bites is ours and is answered by name."""


@dataclass(frozen=True, slots=True)
class BrokerPlaces:
    """Absolute paths the configuration names."""

    authority: Path
    certificate: Path
    key: Path
    revocation_list: Path
    acl: Path
    data: Path

    @classmethod
    def below(cls, folder: Path) -> BrokerPlaces:
        """The places in a fleet's `broker/` folder."""
        return cls(
            authority=folder / "ca.crt",
            certificate=folder / "server.crt",
            key=folder / "server.key",
            revocation_list=folder / "crl.pem",
            acl=folder / "acl",
            data=folder / "data",
        )


def config(places: BrokerPlaces, *, port: int, bind: str | None = None, user: str | None = None) -> str:
    """mosquitto.conf (mosquitto 2.0).

    Args:
        places: where certificates, lists and the message store lie.
        port: listener.
        bind: address to listen on; None is all.
        user: whom a broker started as root becomes; None leaves mosquitto's default.
    """
    lines = [
        "# Written by eid-fleet. Mutual TLS, names from certificates, nobody anonymous.",
        f"listener {port} {bind}" if bind else f"listener {port}",
        f"cafile {places.authority}",
        f"certfile {places.certificate}",
        f"keyfile {places.key}",
        "# Read again on SIGHUP; connections that exist stay, the access list is what stops them.",
        f"crlfile {places.revocation_list}",
        "require_certificate true",
        "use_identity_as_username true",
        "# Binds the client id to the certificate: else any station could take over the centre's session.",
        "use_username_as_clientid true",
        "tls_version tlsv1.2",
        "allow_anonymous false",
        f"acl_file {places.acl}",
        "persistence true",
        f"persistence_location {places.data}/",
        "autosave_interval 60",
        "persistent_client_expiration 30d",
        f"max_packet_size {PACKET_LIMIT_BYTES}",
        "max_inflight_messages 20",
        "max_queued_messages 20000",
        "max_queued_bytes 2147483648",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    if user:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


def acl(centres: Sequence[str], revoked: Sequence[str]) -> str:
    """The access list. Revoked stations are denied by name, which also stops a connection that still stands."""
    lines = ["# Written by eid-fleet."]
    for centre in centres:
        lines += [f"user {centre}", f"topic readwrite {PREFIX}/#"]
    for station in revoked:
        lines += [f"user {station}", "topic deny #"]
    lines += [
        f"pattern write {PREFIX}/st/%u/up/#",
        f"pattern write {PREFIX}/st/%u/state",
        f"pattern read {PREFIX}/st/%u/down/#",
        f"pattern read {PREFIX}/st/%u/state",
        f"pattern read {CENTRE_STATE}",
    ]
    return "\n".join(lines) + "\n"
