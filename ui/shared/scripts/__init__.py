"""Builds our own components from a template and a module, and lets gradio call the page's scripts.

The scripts are ES modules that the browser fetches from `ui/routes/scripts.py`. Knows no component.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from ui.shared.edition import EDITION, ROOT

SCRIPTS = f"diorama/scripts/{EDITION}"
"""The modules' address relative to the page, different for each edition; below it, paths are as in the program."""
_LOADER = 'import(new URL("{address}", document.baseURI).href).then((module) => module.{name}({arguments}))'
_FAILED = (
    ".catch((error) => { console.error(error); "
    'element.textContent = "This part of the page did not load. Reload the page."; })'
)
_FREE = ".finally(() => { element.inert = false; })"
"""The only JavaScript outside the modules. Components are inert until they listen, so that no input is lost."""


def component(path: str, *events: str, **options: Any) -> gr.HTML:
    """A gr.HTML of ours inside the current Blocks.

    Args:
        path: below `ui`, of a template (.html) and a module (.js), whose `start({props, trigger, watch})` is called
            once the template is in the page. Its last part is the component's id there.
        events: that the module triggers.
        options: further properties of gr.HTML.

    Returns:
        The component. Its scripts start working when its value becomes `{token, ...}`.
    """
    loader = _call(f"{path}.js", "start", "{ props, trigger, watch }")
    return gr.HTML(
        html_template=(ROOT / "ui" / f"{path}.html").read_text(encoding="utf-8"),
        # Gradio finds the names of events here.
        js_on_load=f"element.inert = true; {loader}{_FAILED}{_FREE}; {json.dumps(events)}",
        apply_default_css=False,
        elem_id=path.rpartition("/")[2],
        **options,
    )


def function(module: str, name: str, *first: Any) -> str:
    """For `js=` of gradio's events: the function `name` of a module, called with `first` and then gradio's values.

    Args:
        module: its path below `ui`.
    """
    given = [*(json.dumps(each) for each in first), "...values"]
    return f"(...values) => {_call(module, name, ', '.join(given))}"


def _call(module: str, name: str, arguments: str) -> str:
    return _LOADER.format(address=f"{SCRIPTS}/ui/{module}", name=name, arguments=arguments)
