"""Gradio's Blocks with readable errors: refusals are sentences, and only bugs are logged with a traceback."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.data_classes import BlocksConfigDict

from ui.guard.starting import WITHOUT_LOOKING, be_patient
from ui.shared.bridge import BROKEN

log = logging.getLogger(__name__)

MISSHAPEN = "A value of this call has the wrong form. Client.view_api() of gradio_client says what each endpoint takes."


class ReadableBlocks(gr.Blocks):
    """Blocks whose calls end with a result or one sentence, and that show one page, however busy the machine is."""

    def launch(self, *args: Any, **kwargs: Any) -> Any:
        """Serve it; arguments as for gradio's."""
        be_patient()
        return super().launch(*args, **{**WITHOUT_LOOKING, **kwargs})

    def get_config_file(self) -> BlocksConfigDict:
        """The config for browsers and clients; with two pages gradio shows a bar, though one is hidden."""
        config = super().get_config_file()
        config["pages"] = config["pages"][:1]
        return config

    async def preprocess_data(self, block_fn: BlockFunction, inputs: list[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The values of a call after the components' conversion; what a component refuses is the caller's fault."""
        for block, value in zip(block_fn.inputs, inputs, strict=False):
            # Gradio accepts anything here and repeats it in its response, which fails for some numbers.
            if isinstance(block, gr.BrowserState) and not isinstance(value, type(block.default_value) | None):
                raise gr.Error(MISSHAPEN, print_exception=False)
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            log.info("A call was refused: %s", type(error).__name__)
            raise gr.Error(MISSHAPEN, print_exception=False) from error

    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A whole call; errors in it are bugs."""
        try:
            return await super().process_api(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            log.exception("A call broke.")
            raise gr.Error(BROKEN, print_exception=False) from error
