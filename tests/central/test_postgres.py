"""The whole centre on PostgreSQL: the same commands, the same processes, the same result."""

from __future__ import annotations

import json
import time

from sqlalchemy import create_engine, text

from central.emulated.station import make_bundle
from tests.central.site import Site, adult_form, eventually, know_person, stop
from wire.messages import CaseState


def test_case_travels_to_issued_on_postgresql(site: Site, postgres_url: str) -> None:
    """migrate, run, register-case, capture, issued."""
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    site.write_config(**{'data_dir = "data"': f'data_dir = "data"\ndatabase_url = "{postgres_url}"'})
    form = adult_form()
    know_person(site.register, form)
    (site.root / "tk01.json").write_text(json.dumps(form))
    site.cli("migrate")
    centre = site.start("run")
    station = site.station()
    station.connect()
    try:
        eventually(lambda: '"event": "connected"' in site.log())
        case = json.loads(
            site.cli("register-case", str(site.root / "tk01.json"), "--station", "st-0001", "--json").stdout
        )
        bundle = make_bundle(station.order(case["dossier_id"]), int(time.time() * 1000))
        station.send(bundle.bundle_id, station.seal(bundle))
        issued = station.status(bundle.bundle_id, CaseState.ISSUED)
        shown = json.loads(site.cli("show", case["code"], "--json").stdout)
    finally:
        station.close()
        stop(centre)

    assert issued.sequence == 4
    assert (shown["state"], [job["open"] for job in shown["jobs"]]) == ("issued", [False, False, False])
