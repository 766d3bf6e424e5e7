"""Requests and answers of OpenAI's API. Names and values are OpenAI's, except where noted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from studio.contract import MAX_SEED
from ui.programs.encoding import Format

SIZE = r"^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4})$"
MOST_PICTURES = 10
"""Source: `n` of https://platform.openai.com/docs/api-reference/images/create"""
Seed = Annotated[int, Field(ge=-1, le=MAX_SEED)]


class ImageOptions(BaseModel):
    """What generations and edits have in common."""

    model_config = ConfigDict(extra="allow")

    prompt: str = Field(description="What to draw, or what to change.")
    model: str | None = Field(None, description="An id from `GET /v1/models`; by default the first that is ready.")
    n: int | None = Field(None, ge=1, le=MOST_PICTURES, description="How many pictures; 1 by default.")
    size: str | None = Field(
        None, pattern=SIZE, description="`auto` or WIDTHxHEIGHT, rounded to the nearest size the model makes."
    )
    quality: str | None = Field(None, description="One of the model's qualities; `auto` for its own.")
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Format | None = None
    output_compression: int | None = Field(None, ge=0, le=100, description="Quality of a JPEG or WebP.")
    response_format: Literal["url", "b64_json"] | None = Field(
        None, description="`b64_json`; for models named dall-e `url`, which opens the PNG for an hour."
    )
    stream: bool | None = Field(None, description="Answer with server-sent events.")
    partial_images: int | None = Field(None, ge=0, le=3, description="How many previews a stream sends per picture.")
    style: str | None = Field(None, description="One of the model's styles.")
    user: str | None = Field(None, description="Changes nothing.")
    safety_identifier: str | None = Field(None, description="Changes nothing.")
    seed: Seed | None = Field(None, description="Diorama's own: -1 draws one.")
    steps: int | None = Field(None, ge=1, le=1000, description="Diorama's own.")
    guidance: float | None = Field(None, ge=0, le=1000, allow_inf_nan=False, description="Diorama's own.")
    negative_prompt: str | None = Field(None, description="Diorama's own.")

    def unused(self) -> list[str]:
        """A sentence for every option without effect here."""
        return [f"{name:.40} is not honoured here." for name in self.model_extra or {}]


class GenerationBody(ImageOptions):
    """The body of `POST /v1/images/generations`."""


class EditForm(ImageOptions):
    """The form of `POST /v1/images/edits`; the first image is changed, and further ones may be spoken of."""

    image: list[UploadFile] = []
    images: list[UploadFile] = Field([], alias="image[]")
    mask: UploadFile | None = Field(None, description="A PNG of the image's size: alpha 0 is where it may change.")


class ImageData(BaseModel):
    """One picture; `id` and `seed` are Diorama's own."""

    b64_json: str | None = None
    url: str | None = None
    id: str
    seed: int | None


class Tokens(BaseModel):
    image_tokens: int = 0
    text_tokens: int = 0


class Usage(BaseModel):
    """Nothing is counted in tokens here; clients still want the numbers."""

    input_tokens: int = 0
    input_tokens_details: Tokens = Tokens()
    output_tokens: int = 0
    total_tokens: int = 0


class ImagesResponse(BaseModel):
    """The pictures; `model` and `notes`, a sentence for all that is not as it was asked for, are Diorama's own."""

    created: int
    data: list[ImageData]
    background: str | None = None
    output_format: Format
    quality: str | None = None
    size: str
    usage: Usage = Usage()
    model: str
    notes: list[str] = []


class ModelObject(BaseModel):
    """A model; what it can do is Diorama's own."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str
    label: str
    tasks: list[str]
    sizes: list[str]
    qualities: list[str]


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelObject]


class ErrorObject(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Why a request was not done."""

    error: ErrorObject
    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": told}
    for status, told in {
        400: "A value that cannot be used, or a picture that could not be made.",
        401: "The key is missing or wrong.",
        402: "It would exceed the daily cap.",
        404: "There is no such model or picture.",
        413: "Too many bytes.",
        429: "Too many jobs are waiting already.",
        507: "The disk is full.",
    }.items()
}
