"""Plans for machines of every size: they fit, and more memory on the card never makes a model slower."""

import dataclasses
import itertools
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from pipelines import readiness
from pipelines.hub.cache import HubCache
from pipelines.machine import Gpu, Machine
from pipelines.plan import (
    ANYWHERE,
    SPARE_GB,
    SPARE_RAM_GB,
    Means,
    Needs,
    Pace,
    Placement,
    Plan,
    Precision,
    Tiles,
    least,
    plan,
    plans,
)
from pipelines.records import RECORDS

KLEIN = Needs(text=8.05, transformer=7.75, vae=0.17, step=1.0, decode=2.5)
DEV = Needs(text=9.77, transformer=23.8, vae=0.17, step=1.0, decode=2.5)
SD = Needs(text=0.25, transformer=1.72, vae=0.17, step=0.6, decode=1.5)
GIB = 2**30 / 1e9
TOY = Needs(text=0.003, transformer=0.011, vae=0.002, step=0.05, decode=0.05)

GB = st.floats(0, 200)
ALL = frozenset(Precision)
KEPT = st.sets(st.sampled_from(Precision)).map(lambda more: (Precision.FULL, *more))
NEEDS = st.builds(Needs, *[st.floats(0.001, 40)] * 5, KEPT, st.booleans())
CAPABILITY = st.sampled_from([(0, 0), (6, 1), (7, 0), (7, 5), (8, 0), (8, 9), (9, 0), (12, 0)])
MEANS = st.builds(Means, GB, GB, GB, CAPABILITY, st.sets(st.sampled_from(Precision)).map(ALL.__and__))


def rank(chosen: Plan | None) -> int:
    """How slow a plan is: card before CPU before nothing."""
    if chosen is None:
        return 9
    return 8 if chosen.device == "cpu" else int(chosen.pace)


def card(gb: float, ram_gb: float = 64.0, capability: tuple[int, int] = (8, 9)) -> Means:
    return Means(gb - SPARE_GB, gb, ram_gb, capability)


@given(MEANS, NEEDS)
def test_a_plan_never_takes_more_than_there_is(means: Means, needs: Needs):
    for each in plans(means, needs):
        assert each.gpu_gb <= max(0.0, min(means.free_gb, means.total_gb - SPARE_GB))
        assert each.ram_gb <= means.ram_gb


@given(MEANS, NEEDS, GB, GB, GB)
def test_more_memory_is_never_slower(means: Means, needs: Needs, more_free: float, more_total: float, more_ram: float):
    richer = Means(
        means.free_gb + more_free, means.total_gb + more_total, means.ram_gb + more_ram, means.capability, means.can
    )
    if means.total_gb > 0:  # a card of another kind is another question
        assert rank(plan(richer, needs)) <= rank(plan(means, needs))


@given(MEANS, NEEDS)
def test_plans_come_fastest_first_and_each_takes_less_of_the_card(means: Means, needs: Needs):
    ways = plans(means, needs)
    assert [each.pace for each in ways] == sorted(each.pace for each in ways)
    assert all(later.gpu_gb < each.gpu_gb for each, later in itertools.pairwise(ways))
    assert {each.precision for each in ways} <= {Precision.FULL, *needs.kept} & {Precision.FULL, *means.can}


@given(NEEDS, GB)
def test_the_least_machine_that_is_named_is_enough_and_a_smaller_card_is_not(needs: Needs, ram_gb: float):
    needs = dataclasses.replace(needs, kept=(Precision.FULL,))  # Turing's float32 parts are another question
    asked = least(needs, ram_gb)
    enough = Means(asked.total_gb + 0.01, asked.total_gb + 1.3, max(ram_gb, asked.ram_gb) + 0.01, (8, 0))
    assert plan(enough, needs) is not None
    less = dataclasses.replace(enough, free_gb=asked.total_gb - SPARE_GB - 0.02)
    ways = [each for each in plans(less, needs) if each.device == "cuda"]
    assert ways == [] or all(each.gpu_gb <= less.free_gb for each in ways)


def test_cards_people_have():
    chosen = {
        (name, gb): getattr(plan(card(gb), needs), "placement", None)
        for name, needs in (("klein", KLEIN), ("dev", DEV))
        for gb in (4, 8, 10, 12, 16, 24, 32, 48, 80)
    }
    assert chosen == {
        ("klein", 4): Placement.BLOCKS,
        ("klein", 8): Placement.STREAMED,
        ("klein", 10): Placement.STREAMED,
        ("klein", 12): Placement.TEXT_LEAVES,
        ("klein", 16): Placement.TEXT_LEAVES,
        ("klein", 24): Placement.RESIDENT,
        ("klein", 32): Placement.RESIDENT,
        ("klein", 48): Placement.RESIDENT,
        ("klein", 80): Placement.RESIDENT,
        ("dev", 4): Placement.BLOCKS,  # a stream wants twice the weights in main memory
        ("dev", 8): Placement.BLOCKS,
        ("dev", 10): Placement.BLOCKS,
        ("dev", 12): Placement.BLOCKS,
        ("dev", 16): Placement.BLOCKS,
        ("dev", 24): Placement.BLOCKS,
        ("dev", 32): Placement.TEXT_LEAVES,
        ("dev", 48): Placement.RESIDENT,
        ("dev", 80): Placement.RESIDENT,
    }


@pytest.mark.parametrize(
    ("model", "gb", "ram_gb", "pace", "precision"),
    [
        ("flux1-schnell", 12, 16, Pace.FAST, Precision.NF4),
        ("flux1-dev", 12, 16, Pace.FAST, Precision.NF4),
        ("flux1-dev", 8, 16, Pace.SLOW, Precision.Q4),
        ("flux1-dev", 16, 32, Pace.FAST, Precision.FP8),
        ("flux1-dev", 24, 32, Pace.FAST, Precision.FP8),
        ("flux1-dev", 48, 64, Pace.FAST, Precision.FULL),
        ("flux2-klein-4b", 6, 16, Pace.FAST, Precision.NF4),
        ("flux2-klein-4b", 12, 16, Pace.FAST, Precision.FP8),
        ("sdxl", 6, 16, Pace.FAST, Precision.FP8),
        ("sd-1.5", 4, 16, Pace.FAST, Precision.FULL),
    ],
)
def test_the_goals_are_met(model: str, gb: int, ram_gb: int, pace: Pace, precision: Precision):
    """A card of 12 GB has 12 GiB, and main memory of 16 GB has 16 GiB."""
    needs = next(each.needs for each in RECORDS if each.id == model)
    found = plan(dataclasses.replace(card(gb * GIB, ram_gb * GIB), can=ALL), needs)
    assert found is not None
    assert (found.pace, found.precision) == (pace, precision)


MACHINES = {
    "no card, 8 GB": Machine("", 4, 8.6, ()),
    "no card, 64 GB": Machine("", 16, 68.7, ()),
    **{
        f"Apple {gb} GB": Machine("", 8, gb * 1.07, (Gpu("Apple GPU", gb * 1.07, 0.75 * gb * 1.07, (0, 0)),))
        for gb in (8, 16, 18, 24, 32, 36, 48, 64, 96, 128)
    },
    **{
        f"{name}, {ram} GB": Machine("", 8, ram * 1.07, (Gpu(name, gb * 1.07, (gb - 0.6) * 1.07, capability),) * cards)
        for name, gb, capability, ram, cards in (
            ("GTX 1060 3 GB", 3, (6, 1), 8, 1),
            ("GTX 1650", 4, (7, 5), 8, 1),
            ("RTX 3050 laptop", 4, (8, 6), 16, 1),
            ("RTX 2060", 6, (7, 5), 16, 1),
            ("RTX 3060 laptop", 6, (8, 6), 16, 1),
            ("RTX 4050 laptop", 6, (8, 9), 32, 1),
            ("RTX 2070", 8, (7, 5), 16, 1),
            ("RTX 3070", 8, (8, 6), 32, 1),
            ("RTX 4060", 8, (8, 9), 16, 1),
            ("RX 6600", 8, (9, 0), 16, 1),
            ("RTX 5060", 8, (12, 0), 32, 1),
            ("RTX 3080", 10, (8, 6), 32, 1),
            ("RTX 2080 Ti", 11, (7, 5), 32, 1),
            ("RTX 3060", 12, (8, 6), 16, 1),
            ("RTX 4070", 12, (8, 9), 32, 1),
            ("RX 6700 XT", 12, (9, 0), 16, 1),
            ("Tesla T4", 16, (7, 5), 12, 1),
            ("RTX 4080", 16, (8, 9), 32, 1),
            ("RX 7800 XT", 16, (9, 0), 32, 1),
            ("V100", 16, (7, 0), 64, 1),
            ("RTX 5080", 16, (12, 0), 64, 1),
            ("RTX 3090", 24, (8, 6), 32, 1),
            ("RTX 4090", 24, (8, 9), 64, 1),
            ("RX 7900 XTX", 24, (9, 0), 64, 1),
            ("L4", 24, (8, 9), 48, 1),
            ("RTX 5090", 32, (12, 0), 64, 1),
            ("A100 40 GB", 40, (8, 0), 80, 1),
            ("L40S", 48, (8, 9), 128, 1),
            ("A100 80 GB", 80, (8, 0), 128, 2),
            ("H100", 80, (9, 0), 256, 2),
            ("H200", 141, (9, 0), 128, 1),
        )
    },
}


@pytest.mark.parametrize("can", [ANYWHERE, ALL])
def test_every_model_has_a_plan_or_a_sentence_on_every_machine(can: frozenset[Precision], tmp_path: Path):
    assert len(MACHINES) >= 40
    hub = HubCache(tmp_path, token="hf_x")
    for name, machine in MACHINES.items():
        here = dataclasses.replace(machine, can=can)
        means = readiness.means(here)
        for record in RECORDS:
            if record.download:
                ready = readiness.of(record, record.download, here, hub)
                assert ready.ok or ready.hint.endswith("."), (name, record.id)
            for way in plans(means, record.needs) if isinstance(record.needs, Needs) else ():
                assert way.gpu_gb <= max(0.0, min(means.free_gb, means.total_gb - SPARE_GB)), (name, record.id)
                assert str(way)


def test_pictures_are_decoded_in_tiles_only_where_memory_asks_for_it():
    assert [getattr(plan(card(gb), SD), "tiles", None) for gb in (4, 6, 8)] == [Tiles.SMALL, Tiles.LARGE, Tiles.WHOLE]


def test_networks_are_compiled_only_where_there_is_a_compiler_and_it_pays():
    able = dataclasses.replace(card(48), compiler=True)
    assert [getattr(plan(each, DEV), "compiles", None) for each in (card(48), able)] == [False, True]
    assert not any(each.compiles for each in plans(dataclasses.replace(able, capability=(7, 5)), DEV))
    assert not any(each.compiles for each in plans(able, DEV)[1:])  # packed, or not whole on the card


def test_a_full_card_is_planned_for_as_a_small_one():
    assert plan(dataclasses.replace(card(48), free_gb=5.0), DEV) == plan(card(5 + SPARE_GB), DEV)


def test_little_main_memory_rules_out_what_leaves_the_card():
    assert plan(card(12, ram_gb=16), KLEIN) is None
    assert least(KLEIN, 16).ram_gb <= 16
    assert least(KLEIN, 16).total_gb > least(KLEIN, 32).total_gb


def test_precision_follows_the_card():
    assert [
        (each.dtype, each.other_dtype)
        for capability in ((9, 0), (8, 0), (7, 5))
        if (each := plan(card(80, 128, capability), DEV)) is not None
    ] == [("bfloat16", "bfloat16"), ("bfloat16", "bfloat16"), ("float16", "float32")]


def test_small_models_run_anywhere_and_large_ones_do_not_run_on_a_cpu():
    nothing = Means(0.0, 0.0, 8.0, (0, 0))
    on_cpu = plan(nothing, TOY)
    assert on_cpu is not None
    assert (on_cpu.device, on_cpu.dtype, on_cpu.gpu_gb) == ("cpu", "float32", 0.0)
    assert plan(dataclasses.replace(nothing, ram_gb=512.0), KLEIN) is None
    old_card = plan(card(8, capability=(6, 1)), TOY)
    assert old_card is not None
    assert old_card.device == "cpu"


def test_apple_chips_have_one_memory_and_one_way():
    mac = Means(0.75 * 64, 64.0, 64.0, (0, 0))
    assert [each.placement for each in plans(mac, KLEIN)] == [Placement.RESIDENT]
    assert [each.dtype for each in (*plans(mac, KLEIN), *plans(mac, TOY))] == ["bfloat16", "float32"]
    assert plan(Means(12.0, 16.0, 16.0, (0, 0)), KLEIN) is None


def test_a_plan_says_where_things_are():
    assert str(plan(card(80), DEV)) == "all of it on the GPU (bfloat16, 36 GB)"
    assert "text encoders" in str(plan(card(32), DEV))
    assert str(plan(Means(0, 0, 8.0, (0, 0)), TOY)) == "on the CPU (float32)"
    assert SPARE_RAM_GB > 0
