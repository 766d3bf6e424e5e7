"""Whatever bytes are read as a splat: a sound splat comes out, or a sentence."""

from __future__ import annotations

import io
import random
import re
from dataclasses import replace

import numpy as np
from hypothesis import given, strategies as st

from studio.errors import BadSplat
from studio.splats.any_format import read_splat
from studio.splats.formats.antimatter_splat import write_antimatter
from studio.splats.formats.ply import write_ply
from studio.splats.formats.spz import write_spz
from tests.studio.splats.formats.test_ply import by_plyfile, columns_like_a_trainer, compressed
from tests.studio.splats_in import assert_sound, ply, recipe, some, spz

SEEDS = (
    write_ply(replace(some(6, degree=1), recipe=recipe())),
    by_plyfile(columns_like_a_trainer(some(3)), text=True),
    by_plyfile(columns_like_a_trainer(some(3)), byte_order=">"),
    compressed(some(3, degree=1)),
    write_antimatter(some(6)),
    write_spz(some(6, degree=1)),
    spz(3, random.Random(1).randbytes(60)),
)


@given(st.data())
def test_whatever_becomes_of_a_file_it_is_a_sound_splat_or_a_sentence(data: st.DataObject):
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(file) - 1)))
        length = data.draw(st.integers(0, 8))
        file[at : at + length] = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(TOKENS)))
    try:
        taken = read_splat(bytes(file))
    except BadSplat as error:
        assert re.fullmatch(r"[A-Z].{20,300}\.", str(error))
    else:
        assert_sound(taken.splat)


TOKENS = (b"\xff\xff\xff\x7f", b"\x00\x00\x80\x7f", b"nan", b"-inf", b"1e400", b"\n", b"end_header\n", b" 2147483648")


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"ply\n", b"ply\nformat ascii 1.0\n", b"\x1f\x8b\x08\0", b"NGSP"])
)
def test_any_bytes_are_a_sound_splat_or_a_sentence(data: bytes, before: bytes):
    try:
        assert_sound(read_splat(before + data).splat)
    except BadSplat as error:
        assert str(error).endswith(".")


@given(st.binary(min_size=20 * 3, max_size=20 * 3), st.sampled_from([2, 3]))
def test_any_body_of_an_spz_is_a_sound_splat_or_a_sentence(body: bytes, version: int):
    try:
        assert_sound(read_splat(spz(3, body, version)).splat)
    except BadSplat as error:
        assert str(error).endswith(".")


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.floats(width=32), min_size=14 * n, max_size=14 * n)))
def test_any_numbers_are_a_sound_splat_or_a_sentence(values: list[float]):
    rows = np.array(values, "<f4").reshape(-1, 14)
    try:
        assert_sound(read_splat(ply(rows.tobytes(), len(rows))).splat)
    except BadSplat as error:
        assert "finite" in str(error)


def test_nothing_of_a_file_is_written_to():
    data = write_ply(some(5), "+y")
    splat = read_splat(io.BytesIO(data).getvalue()).splat
    splat.positions[:] = 0
    assert read_splat(data).splat.positions.any()
