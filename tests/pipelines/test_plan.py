"""Plans for machines of every size: they fit, and more memory on the card never makes a model slower."""

import dataclasses

from hypothesis import given, strategies as st

from pipelines.plan import SPARE_GB, SPARE_RAM_GB, Means, Needs, Placement, Plan, least, plan, plans

KLEIN = Needs(text=8.05, transformer=7.75, vae=0.17, step=1.0, decode=2.5)
DEV = Needs(text=9.77, transformer=23.8, vae=0.17, step=1.0, decode=2.5)
TOY = Needs(text=0.003, transformer=0.011, vae=0.002, step=0.05, decode=0.05)

GB = st.floats(0, 200)
NEEDS = st.builds(Needs, *[st.floats(0.001, 40)] * 5)
CAPABILITY = st.sampled_from([(0, 0), (6, 1), (7, 0), (7, 5), (8, 0), (8, 9), (9, 0), (12, 0)])
MEANS = st.builds(Means, GB, GB, GB, CAPABILITY)


def rank(chosen: Plan | None) -> int:
    """How slow a plan is: card before CPU before nothing."""
    if chosen is None:
        return 9
    return 8 if chosen.device == "cpu" else int(chosen.placement)


def card(gb: float, ram_gb: float = 64.0, capability: tuple[int, int] = (8, 9)) -> Means:
    return Means(gb - SPARE_GB, gb, ram_gb, capability)


@given(MEANS, NEEDS)
def test_a_plan_never_takes_more_than_there_is(means: Means, needs: Needs):
    for each in plans(means, needs):
        assert each.gpu_gb <= max(0.0, min(means.free_gb, means.total_gb - SPARE_GB))
        assert each.ram_gb <= means.ram_gb


@given(MEANS, NEEDS, GB, GB)
def test_more_memory_on_the_card_is_never_slower(means: Means, needs: Needs, more_free: float, more_total: float):
    richer = dataclasses.replace(means, free_gb=means.free_gb + more_free, total_gb=means.total_gb + more_total)
    if means.total_gb > 0:  # a card of another kind is another question
        assert rank(plan(richer, needs)) <= rank(plan(means, needs))


@given(MEANS, NEEDS)
def test_plans_come_fastest_first_and_each_takes_less_of_the_card(means: Means, needs: Needs):
    ways = [each.placement for each in plans(means, needs)]
    assert ways == sorted(set(ways))


@given(NEEDS, GB)
def test_the_least_machine_that_is_named_is_enough_and_a_smaller_card_is_not(needs: Needs, ram_gb: float):
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
        ("klein", 4): None,
        ("klein", 8): Placement.BLOCKS,
        ("klein", 10): Placement.BLOCKS,
        ("klein", 12): Placement.TEXT_LEAVES,
        ("klein", 16): Placement.TEXT_LEAVES,
        ("klein", 24): Placement.RESIDENT,
        ("klein", 32): Placement.RESIDENT,
        ("klein", 48): Placement.RESIDENT,
        ("klein", 80): Placement.RESIDENT,
        ("dev", 4): None,
        ("dev", 8): Placement.BLOCKS,
        ("dev", 10): Placement.BLOCKS,
        ("dev", 12): Placement.BLOCKS,
        ("dev", 16): Placement.BLOCKS,
        ("dev", 24): Placement.BLOCKS,
        ("dev", 32): Placement.TEXT_LEAVES,
        ("dev", 48): Placement.RESIDENT,
        ("dev", 80): Placement.RESIDENT,
    }


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
    assert str(plan(card(80), DEV)) == "all of it on the card (bfloat16, 36 GB)"
    assert "text encoders" in str(plan(card(32), DEV))
    assert str(plan(Means(0, 0, 8.0, (0, 0)), TOY)) == "on the CPU (float32)"
    assert SPARE_RAM_GB > 0
