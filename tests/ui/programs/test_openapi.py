"""The document of the interfaces is what they do: schemathesis asks every route what it may and may not be asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.patience import PATIENCE_SECONDS
from tests.ui.programs.conftest import Programs

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
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
    schema = schemathesis.openapi.from_dict(document)
    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()

        @BUDGET
        @given(case=case_of)
        def asked(case: Any) -> None:
            case.call_and_validate(base_url=programs.local, checks=CHECKS, timeout=PATIENCE_SECONDS)

        asked()
