"""The document of the interfaces is what they do: schemathesis asks every route what it may and may not be asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.patience import PATIENCE_SECONDS
from tests.ui.programs.conftest import Programs

BUDGET = settings(
    max_examples=4,  # of each route
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(scope="module")
def document(programs: Programs) -> dict[str, Any]:
    return httpx.get(f"{programs.local}/v1/openapi.json").json()


def test_the_document_names_every_route(document: dict[str, Any]):
    assert {"/v1/images/generations", "/v1/generate-image", "/sdapi/v1/txt2img"} <= document["paths"].keys()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert all(each.get("summary") and "401" in each["responses"] for each in operations)
    assert "HTTPValidationError" not in str(document)


def test_no_route_breaks_or_answers_otherwise_than_it_says(programs: Programs, document: dict[str, Any]):
    # Here: to load them takes a second of every process that collects the suite.
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    promised = (checks.content_type_conformance, checks.response_schema_conformance, checks.status_code_conformance)
    schema = schemathesis.openapi.from_dict(document)
    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()

        @BUDGET
        @given(case=case_of)
        def asked(case: Any) -> None:
            case.call_and_validate(
                base_url=programs.local, checks=[not_a_server_error, *promised], timeout=PATIENCE_SECONDS
            )

        asked()
