"""Requests and responses of A1111's API, and which parts are supported. Source: modules/api/models.py."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from studio.contract import MAX_PICTURES, MAX_SEED

_OWN_WAYS = frozenset(
    {"save_images", "do_not_save_samples", "do_not_save_grid", "override_settings_restore_afterwards"}
)
"""Options about A1111's own files and settings, without effect, as pictures always go to the gallery."""
_AUTOMATIC = ("", "automatic", None)
_NEUTRAL = (None, False, "", 0, 1, -1, [], {})
"""Values with which an A1111 field asks for nothing."""


class Drawing(BaseModel):
    """What txt2img and img2img have in common. What is left out is the model's own."""

    model_config = ConfigDict(extra="allow")

    prompt: str = ""
    negative_prompt: str | None = None
    seed: int | None = Field(-1, ge=-1, le=MAX_SEED)
    steps: int | None = Field(None, ge=1, le=1000)
    cfg_scale: float | None = Field(None, ge=0, le=1000, allow_inf_nan=False)
    width: int | None = Field(None, ge=0, le=16384)
    height: int | None = Field(None, ge=0, le=16384)
    batch_size: int | None = Field(1, ge=1, le=MAX_PICTURES)
    n_iter: int | None = Field(1, ge=1, le=MAX_PICTURES)
    sampler_name: str | None = None
    sampler_index: str | None = None
    scheduler: str | None = None
    styles: list[str] | None = None
    override_settings: dict[str, Any] | None = None
    send_images: bool = True

    @property
    def settings(self) -> dict[str, Any]:
        return self.override_settings or {}

    def unused(self) -> list[str]:
        """A sentence for every option that asks for something but has no effect here."""
        names = [name for name, value in (self.model_extra or {}).items() if not _is_neutral(name, value)]
        names += [f"override_settings.{name}" for name in self.settings if name not in SETTINGS]
        return [f"{name:.60} is not honoured here." for name in names]

    def sampler(self) -> tuple[str, ...]:
        """The sampler, as `samplers.sampler_in` takes it."""
        said = {"sampler": self.sampler_name or self.sampler_index, "scheduler": self.scheduler}
        return tuple(f"{name} {value}" for name, value in said.items() if str(value or "").lower() not in _AUTOMATIC)


class Txt2Img(Drawing):
    """The body of `POST /sdapi/v1/txt2img`."""


class Img2Img(Drawing):
    """The body of `POST /sdapi/v1/img2img`. Files are in base64, with or without `data:...;base64,`."""

    init_images: list[str] = Field([], description="The picture to change; further ones are references.")
    mask: str | None = Field(None, description="White where the picture may change.")
    mask_blur: float | None = Field(None, ge=0, le=128, description="Pixels over which the change fades out.")
    inpainting_mask_invert: int | None = Field(0, ge=0, le=1)
    denoising_strength: float | None = Field(None, ge=0, le=1)


SETTINGS = ("sd_model_checkpoint", "CLIP_stop_at_last_layers")
"""The supported options, for one request or for all later ones."""


class Options(BaseModel):
    """The supported options; others may be sent and change nothing."""

    model_config = ConfigDict(extra="allow")

    sd_model_checkpoint: str | None = None


class Pictures(BaseModel):
    images: list[str]
    parameters: dict[str, Any]
    info: str = Field(description="JSON: seeds, the model, and in `notes` what was not honoured.")


class State(BaseModel):
    skipped: bool = False
    interrupted: bool
    job: str
    job_count: int
    job_no: int
    job_timestamp: str
    sampling_step: int
    sampling_steps: int


class ProgressNow(BaseModel):
    progress: float
    eta_relative: float
    state: State
    current_image: str | None
    textinfo: str | None


class SdModel(BaseModel):
    title: str
    model_name: str
    hash: str | None = None
    sha256: str | None = None
    filename: str
    config: str | None = None


class ErrorAnswer(BaseModel):
    """Why a request was not done."""

    error: str
    detail: Any


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": "See `error`."} for status in (400, 401, 402, 404, 413, 429, 507)
}


def _is_neutral(name: str, value: Any) -> bool:
    """Whether an unknown field asks for nothing, like the many that clients always send."""
    return name in _OWN_WAYS or any(type(value) is type(one) and value == one for one in (*_NEUTRAL, 0.0, 1.0))
