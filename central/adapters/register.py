"""The immigration register over OSIA interfaces (Secure Identity Alliance, OSIA 7).

    findPersons            POST /v1/persons                        Population Registry: by document number
    matchPersonAttributes  POST /v1/persons/{uin}/match            Data Access: which attributes differ
    readPersonAttributes   GET  /v1/persons/{uin}                  Data Access: `faceReference`, `fingerReference`
    verifyFromId           POST /v1/verify/{galleryId}/{personId}  Biometrics: face, then fingers

The person is sought with a body, never with a query string: URLs stand in logs. The two reference attributes are ours;
a register that does not know them answers with an error object, and the reference stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from central.adapters import biometrics
from central.adapters.http import OutsideClient
from central.adapters.port import Match, Reference, RegisterAnswer
from central.config import RegisterConfig
from wire.bundle import Bundle

_SEARCH = ("documentNumber", "nationality")


class HttpRegister:
    """RegisterPort over HTTP."""

    def __init__(self, config: RegisterConfig) -> None:
        self._client = OutsideClient("register", config.base_url, config.deadline_s)
        self._gallery = config.gallery

    def check(self, attributes: Mapping[str, str], bundle: Bundle, transaction: str) -> RegisterAnswer:
        """See RegisterPort."""
        persons = self._find(attributes, transaction)
        if len(persons) != 1:
            known = Match.UNSURE if persons else Match.NO
            reason = "several_persons" if persons else "person_unknown"
            return RegisterAnswer(None, Reference.UNKNOWN, Reference.UNKNOWN, known, reason=reason)
        person = persons[0]
        face, fingers = self._references(person)
        differing = self._differing(person, attributes)
        if differing:
            return RegisterAnswer(person, face, fingers, Match.NO, differing, "attributes_differ")
        if face is Reference.YES and not self._verify(person, biometrics.face(bundle), transaction):
            return RegisterAnswer(person, face, fingers, Match.NO, reason="face_differs")
        if fingers is Reference.YES and biometrics.has_fingers(bundle):
            captured = [entry for entry in biometrics.fingers(bundle) if "image" in entry]
            if not self._verify(person, captured, transaction):
                return RegisterAnswer(person, face, fingers, Match.NO, reason="fingers_differ")
        return RegisterAnswer(person, face, fingers, Match.YES)

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()

    def _find(self, attributes: Mapping[str, str], transaction: str) -> list[str]:
        operation = "findPersons"
        query = [{"attributeName": name, "operator": "=", "value": attributes[name]} for name in _SEARCH]
        answer = self._client.ask(
            operation,
            "POST",
            "/v1/persons",
            params={"transactionId": transaction, "limit": "2"},
            body=query,
            expected=(200, 404),
        )
        if answer.status == 404:
            return []
        found = answer.value
        if not isinstance(found, list) or not all(_is_person(entry) for entry in found):
            raise self._client.malformed(operation)
        return [entry["personId"] for entry in found]

    def _references(self, person: str) -> tuple[Reference, Reference]:
        operation = "readPersonAttributes"
        params = {"attributeNames": ["faceReference", "fingerReference"]}
        answer = self._client.ask(operation, "GET", f"/v1/persons/{_quoted(person)}", params=params, expected=(200,))
        if not isinstance(answer.value, dict):
            raise self._client.malformed(operation)
        return _reference(answer.value.get("faceReference")), _reference(answer.value.get("fingerReference"))

    def _differing(self, person: str, attributes: Mapping[str, str]) -> tuple[str, ...]:
        operation = "matchPersonAttributes"
        answer = self._client.ask(
            operation, "POST", f"/v1/persons/{_quoted(person)}/match", body=dict(attributes), expected=(200,)
        )
        if not isinstance(answer.value, list):
            raise self._client.malformed(operation)
        names = [entry.get("attributeName") if isinstance(entry, dict) else None for entry in answer.value]
        # Only names that we sent: what else the other side writes there does not go into the history.
        if not all(name in attributes for name in names):
            raise self._client.malformed(operation)
        return tuple(sorted(str(name) for name in names))

    def _verify(self, person: str, data: list[dict[str, Any]], transaction: str) -> bool:
        operation = "verifyFromId"
        answer = self._client.ask(
            operation,
            "POST",
            f"/v1/verify/{self._gallery}/{_quoted(person)}",
            params={"transactionId": transaction},
            body={"biometricData": data},
            expected=(200,),
        )
        decision = answer.value.get("decision") if isinstance(answer.value, dict) else None
        if not isinstance(decision, bool):
            raise self._client.malformed(operation)
        return decision


def _is_person(entry: object) -> bool:
    person = entry.get("personId") if isinstance(entry, dict) else None
    return isinstance(person, str) and 0 < len(person) <= 128


def _quoted(person: str) -> str:
    return quote(person, safe="")


def _reference(value: object) -> Reference:
    if isinstance(value, bool):
        return Reference.YES if value else Reference.NO
    return Reference.UNKNOWN
