"""The identity authority over the OSIA credential management interface (Secure Identity Alliance, OSIA 7, `cms`).

    createCredentialRequest  POST /v1/credentialRequests/{credentialRequestId}   201, or 409 where the id exists
    readCredentialRequest    GET  /v1/credentialRequests/{credentialRequestId}   `status`, our extension `statusCode`

The request id is the bundle id: asking again after a crash cannot make a second request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from central.adapters import biometrics
from central.adapters.http import OutsideClient
from central.adapters.port import Result, ResultState
from central.config import AuthorityConfig
from wire.bundle import Bundle

_STATES = {state.value.upper(): state for state in ResultState if state is not ResultState.UNKNOWN}
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


class HttpAuthority:
    """AuthorityPort over HTTP."""

    def __init__(self, config: AuthorityConfig) -> None:
        self._client = OutsideClient("authority", config.base_url, config.deadline_s)
        self._profile = config.credential_profile

    def request(self, request_id: str, attributes: Mapping[str, str], bundle: Bundle, person_id: str | None) -> None:
        """See AuthorityPort."""
        body: dict[str, Any] = {
            "requestData": {"credentialProfileId": self._profile, "requestType": "FIRST_ISSUANCE", "priority": 1},
            "contextualData": {"personId": person_id, "dossierId": bundle.dossier_id, "station": bundle.station_id},
            "biographicData": dict(attributes),
            "biometricData": biometrics.face(bundle) + biometrics.fingers(bundle),
        }
        self._client.ask(
            "createCredentialRequest",
            "POST",
            f"/v1/credentialRequests/{request_id}",
            params={"transactionId": request_id},
            body=body,
            expected=(201, 409),
        )

    def result(self, request_id: str) -> Result:
        """See AuthorityPort."""
        operation = "readCredentialRequest"
        answer = self._client.ask(
            operation,
            "GET",
            f"/v1/credentialRequests/{request_id}",
            params={"transactionId": request_id},
            expected=(200, 404),
        )
        if answer.status == 404:
            return Result(ResultState.UNKNOWN)
        value = answer.value if isinstance(answer.value, dict) else {}
        state, code = _STATES.get(str(value.get("status"))), value.get("statusCode")
        if state is None or not (code is None or (isinstance(code, str) and _CODE.fullmatch(code))):
            raise self._client.malformed(operation)
        return Result(state, code)

    def close(self) -> None:
        """Gives the connections back."""
        self._client.close()
