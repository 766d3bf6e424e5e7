"""Checks the form of endpoint calls before gradio sees them: it would crash on some, and fetch any URL as a file.

A file is whatever gradio considers one, anywhere in the values (`gradio_client.utils.is_file_obj_with_meta`), and any
value where an endpoint expects one. It must have been uploaded here: no address, and no local path.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.components.api_component import Api
from gradio_client.utils import value_is_file

from studio.errors import BadRequest, StudioError
from studio.validation import shown

DEEPEST = 64
"""Nesting depth of a call; gradio recurses until the stack overflows."""
_PREFIX = "/gradio_api"
_CALL = re.compile(rf"{_PREFIX}/(?P<way>run|api|call/v2|call)/(?P<name>[^/]+)")
_FILE = "gradio.FileData"
_SESSION = re.compile(r"[\w-]{1,128}", re.ASCII)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HOW = "Client.view_api() of gradio_client says what each endpoint takes."
_LIST = "Client.view_api() of gradio_client says what there is."
_UPLOAD = "Upload the file itself and send what the upload returns; with gradio_client: handle_file(PATH)."


class Unknown(StudioError):
    """The endpoint does not exist."""


class Unreadable(BadRequest):
    """The body is not text, or nested too deeply."""


def is_call(path: str) -> bool:
    """Whether a POST to this path contains the values of a call."""
    others = ("queue/join", "cancel", "reset")
    return _CALL.fullmatch(path) is not None or path in {f"{_PREFIX}/{name}" for name in others}


def check(blocks: gr.Blocks, path: str, content_type: str, body: bytes) -> bytes:
    """Validate a call.

    Args:
        blocks: the app.
        path: of the call, for which `is_call` is true.
        content_type: of the body, as sent.
        body: as sent.

    Returns:
        The body without lone surrogates, which JSON can express but gradio cannot return.

    Raises:
        BadRequest: no endpoint could use it.
        Unknown: there is no such endpoint.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("Send JSON, and say so: Content-Type: application/json.")
    try:
        values = json.loads(body)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON. {_HOW}") from error
    except ValueError as error:  # invalid UTF-8, or a number with thousands of digits
        raise Unreadable(f"The body cannot be read as JSON. {_HOW}") from error
    if not isinstance(values, dict):
        raise BadRequest(f"The body must be a JSON object. {_HOW}")
    _check_files(blocks, values)
    if path == f"{_PREFIX}/queue/join":
        if values.get("session_hash") is None or values.get("fn_index") is None:
            raise BadRequest("A place in the queue needs a session_hash and a fn_index.")
        _check_call(_function(blocks, None, values["fn_index"]), blocks, values)
    elif known := _CALL.fullmatch(path):
        # Only calls as the page makes them may refer to a function by number.
        index = values.get("fn_index") if known["way"] in ("run", "api") else None
        function = _function(blocks, known["name"], index)
        if known["way"] == "call/v2":
            _check_named(function, blocks, values)
        else:
            _check_call(function, blocks, values)
    return json.dumps(values, ensure_ascii=False).encode(errors="ignore") if _SURROGATE.search(body) else body


def _check_files(blocks: gr.Blocks, values: dict[str, Any]) -> None:
    level: list[Any] = [values]
    for _ in range(DEEPEST):
        for each in level:
            if isinstance(each, dict) and isinstance(each.get("path"), str) and "meta" in each:
                _check_file(blocks, each)
        level = [below for each in level for below in _parts(each)]
        if not level:
            return
    raise BadRequest(f"Lists and objects are nested more than {DEEPEST} levels deep in this call. {_HOW}")


def _parts(value: Any) -> list[Any]:
    parts = value.values() if isinstance(value, dict) else value
    return [part for part in parts if isinstance(part, dict | list)]


def _check_file(blocks: gr.Blocks, file: Any) -> None:
    """Refuse anything in place of a file that was not uploaded."""
    path = file.get("path") if isinstance(file, dict) else None
    meta = file.get("meta") if isinstance(file, dict) else None
    if not isinstance(path, str) or not isinstance(meta, dict) or meta.get("_type") != _FILE:
        raise BadRequest(f"A file must be an upload, not {shown(file)}. {_UPLOAD}")
    if path not in blocks.upload_file_set:
        raise BadRequest(f"A file must be an upload, not {shown(path)}: Diorama fetches nothing itself. {_UPLOAD}")
    url = file.get("url")
    if (url is not None and not str(url).endswith(f"{_PREFIX}/file={path}")) or file.get("is_stream"):
        raise BadRequest(f"A file must be an upload, not {shown(url)}: Diorama fetches nothing itself. {_UPLOAD}")


def _function(blocks: gr.Blocks, name: str | None, index: Any) -> BlockFunction:
    """The function with this number, or else with this name."""
    by_number = blocks.fns.get(index) if isinstance(index, int) and not isinstance(index, bool) else None
    by_name = next((each for each in blocks.fns.values() if each.api_name == name), None) if index is None else None
    function = by_number or by_name
    if function is None or function.fn is None:  # those without `fn` run in the browser
        raise Unknown(f"There is no endpoint {shown(name if index is None else index)}. {_LIST}")
    return function


def _check_call(function: BlockFunction, blocks: gr.Blocks, values: dict[str, Any]) -> None:
    """A call with a list of values."""
    _check_session(values)
    data = values.get("data")
    shown_inputs = [block for block in function.inputs if not block.skip_api]
    if not isinstance(data, list):
        raise BadRequest(f"The values of a call are a list under data, not {shown(data)}. {_HOW}")
    if len(data) not in {len(function.inputs), len(shown_inputs)}:
        raise BadRequest(f"{function.api_name} takes {len(shown_inputs)} values, not {len(data)}. {_HOW}")
    event = values.get("event_data")
    if (event is not None and not isinstance(event, dict)) or values.get("batched"):
        raise BadRequest(f"The data of an event is an object, not {shown(event)}, and calls come one by one.")
    inputs = function.inputs if len(data) == len(function.inputs) else shown_inputs
    for block, value in zip(inputs, data, strict=True):
        if value is not None and _wants_file(block):
            _check_file(blocks, value)


def _check_named(function: BlockFunction, blocks: gr.Blocks, values: dict[str, Any]) -> None:
    """A call with named values."""
    parameters = _parameters(blocks).get(f"/{function.api_name}")
    if parameters is None:
        raise Unknown(f"There is no endpoint {shown(function.api_name)}. {_LIST}")
    names = [each["parameter_name"] for each in parameters]
    if unknown := [name for name in values if name not in names and name != "oauth_token"]:
        raise BadRequest(f"{function.api_name} takes no {shown(unknown[0])}. It takes {', '.join(names)}. {_HOW}")
    for each in parameters:
        if not each.get("parameter_has_default") and each["parameter_name"] not in values:
            raise BadRequest(f"{function.api_name} needs {each['parameter_name']}. {_HOW}")
    wanted = [block for block in function.inputs if not block.skip_api]
    for name, block in zip(names, wanted, strict=True):
        if values.get(name) is not None and _wants_file(block):
            _check_file(blocks, values[name])


@lru_cache(maxsize=4)
def _parameters(blocks: gr.Blocks) -> dict[str, list[dict[str, Any]]]:
    named: Any = blocks.get_api_info() or {}
    return {name: endpoint["parameters"] for name, endpoint in named["named_endpoints"].items()}


def _wants_file(block: Any) -> bool:
    """Gradio's other components themselves refuse values that are not marked as files."""
    return isinstance(block, Api) and value_is_file(block.api_info())


def _check_session(values: dict[str, Any]) -> None:
    session = values.get("session_hash")
    if session is not None and (not isinstance(session, str) or _SESSION.fullmatch(session) is None):
        raise BadRequest(f"A session_hash is made of letters, digits, - and _, not {shown(session)}.")
