"""The mobile number at the desk: whom it already serves, campaigns by date, a permitted stay that ended."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text, update

from central import store as store_package
from central.eligibility import at_the_desk
from central.errors import CaseRefused
from central.numbers import linked_elsewhere, phone_sha256
from central.store.engine import Store
from central.store.migrate import migrate
from central.store.tables import cases
from tests.central.centre import Centre
from tests.central.site import adult_form
from wire.rules.loader import load_rules
from wire.rules.tk01 import Tk01, parse_tk01


def other_person(**changes: Any) -> dict[str, Any]:
    """Somebody else with the same number."""
    return {
        **adult_form(),
        "surname": "KHÁC",
        "document": adult_form()["document"] | {"number": "M55555555"},
        **changes,
    }


def child() -> dict[str, Any]:
    """A child of the adult, with the adult's number."""
    adult = adult_form()
    return other_person(
        birth_date=f"{datetime.now().astimezone().year - 9}-01-01",
        phone={"number": adult["phone"]["number"], "owner": "representative"},
        representative={
            **{key: adult[key] for key in ("surname", "given_names", "birth_date", "sex", "nationality")},
            "document_number": adult["document"]["number"],
            "phone": adult["phone"]["number"],
            "relation": "Mẹ",
        },
    )


def put_in_state(centre: Centre, state: str, received_ms: int = 1) -> None:
    """All cases there are."""
    with centre.store.write() as connection:
        connection.execute(update(cases).values(state=state, received_ms=received_ms))


def form_of(values: dict[str, Any]) -> Tk01:
    """The parsed form."""
    return parse_tk01(json.dumps(values))


@pytest.mark.parametrize("state", ["received", "checking", "requested", "issued"])
def test_a_number_that_serves_another_person_is_refused_at_the_desk(sqlite_centre: Centre, state: str) -> None:
    """D13: whether the account is asked for or issued; however the number is written."""
    sqlite_centre.register()
    put_in_state(sqlite_centre, state)

    with pytest.raises(CaseRefused) as caught:
        sqlite_centre.register(other_person(phone={"number": "+84 900 000 000", "owner": "self"}))
    assert caught.value.params["code"] == "PHONE_USED"
    assert sqlite_centre.count("cases") == 1


@pytest.mark.parametrize("state", ["registered", "refused", "supplement", "escalated"])
def test_a_case_without_an_account_holds_no_number(sqlite_centre: Centre, state: str) -> None:
    """And a number that is not found here is not called free: the officer still sees that nobody knows."""
    sqlite_centre.register()
    put_in_state(sqlite_centre, state)
    registered = sqlite_centre.register(other_person())

    assert "rules.warning.PHONE_LINK_UNCHECKED" in registered.order.warnings


def test_one_person_with_a_new_passport_keeps_the_number(sqlite_centre: Centre) -> None:
    """The number is linked, but to nobody else."""
    sqlite_centre.register()
    put_in_state(sqlite_centre, "issued")
    renewed = {**adult_form(), "document": adult_form()["document"] | {"number": "M77777777"}}

    assert sqlite_centre.register(renewed)


def test_a_child_with_the_number_of_its_representatives_account_is_warned_about(sqlite_centre: Centre) -> None:
    """D14: continues."""
    sqlite_centre.register()
    put_in_state(sqlite_centre, "issued")
    registered = sqlite_centre.register(child())

    assert "rules.warning.PHONE_LINKED_REPRESENTATIVE" in registered.order.warnings


def test_a_representative_may_use_the_own_number_after_the_child(sqlite_centre: Centre) -> None:
    """The child's account has the number from this very person."""
    sqlite_centre.register(child())
    put_in_state(sqlite_centre, "issued")

    assert sqlite_centre.register()
    with pytest.raises(CaseRefused):
        sqlite_centre.register(other_person(surname="NGƯỜI", document=adult_form()["document"] | {"number": "M1"}))


def test_who_was_received_first_keeps_the_number(sqlite_centre: Centre) -> None:
    """Two open captures with one number do not turn each other away."""
    first = sqlite_centre.register().dossier_id
    put_in_state(sqlite_centre, "checking", received_ms=5)
    other = form_of(other_person())
    with sqlite_centre.store.read() as connection:
        own = linked_elsewhere(connection, form_of(adult_form()), dossier_id=first, received_ms=5)
        earlier = linked_elsewhere(connection, other, dossier_id="X", received_ms=4)
        later = linked_elsewhere(connection, other, dossier_id="X", received_ms=6)

    assert (own, earlier, later) == (None, None, True)


def test_a_visit_within_a_campaign_is_not_outside_reception(sqlite_centre: Centre) -> None:
    """The campaign of the data files counts without anybody saying so: Saturday 05/07/2025, but not 23/08/2025."""
    rules = load_rules()

    def codes(day: str) -> list[str]:
        now_ms = int(datetime.fromisoformat(f"{day}T20:00:00+07:00").timestamp() * 1000)
        answer = at_the_desk(form_of(adult_form()), rules, now_ms, None, None)
        return [warning.code for warning in answer.warnings]

    assert "OUTSIDE_RECEPTION" not in codes("2025-07-05")
    assert "OUTSIDE_RECEPTION" in codes("2025-08-23")


def test_a_stay_that_ended_goes_to_the_competent_authority(sqlite_centre: Centre) -> None:
    """D4, from the form's own field."""
    with pytest.raises(CaseRefused) as caught:
        sqlite_centre.register({**adult_form(), "stay_valid_until": "2025-01-01"})

    assert caught.value.params["code"] == "STAY_EXPIRED"


def test_cases_from_before_the_column_are_found_too(tmp_path: Path) -> None:
    """The migration fills the column from the forms."""
    store = Store(f"sqlite:///{tmp_path / 'central.sqlite'}")
    form = form_of(adult_form())
    try:
        config = Config()
        config.set_main_option("script_location", str(Path(store_package.__file__).with_name("migrations")))
        config.set_main_option("path_separator", "os")
        with store.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
        columns = "dossier_id, code, station_id, document_sha256, tk01, order_cbor, plan_id, state, sequence"
        with store.write() as connection:
            connection.execute(
                text(
                    f"INSERT INTO cases ({columns}, registered_ms, expires_ms) "
                    "VALUES ('A', 'C', 'st', 'd', :form, :order, 'p', 'issued', 0, 1, 1)"
                ),
                {"form": form.to_json().decode(), "order": b""},
            )
        migrate(store)
        with store.read() as connection:
            found = connection.execute(select(cases.c.phone_sha256)).scalars().all()
    finally:
        store.close()

    assert found == [phone_sha256(form)]
