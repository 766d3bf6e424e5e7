import dataclasses
import math

import pytest

from pipelines import catalog, readiness
from pipelines.machine import (
    Gpu,
    Machine,
    amd_gpus,
    chosen,
    container_bytes,
    container_cores,
    inspect,
    meters,
    parse_nvidia_smi,
    torch_build,
    visible,
)
from pipelines.records import flux
from studio.contract import Size, Task
from studio.errors import BadRequest
from toybox.klein.model import GUIDANCE, PICTURE_SIZE, STEPS

LAPTOP = Machine("Linux x86_64", 2, 24.0, ())
CARD = Gpu("RTX 4090", 25.8, 24.0, (8, 9))


def test_this_machine_is_told_in_one_line():
    machine = inspect()
    assert machine.cores >= 1
    assert machine.ram_gb > 0.5
    assert f"{machine.cores} CPU cores" in str(machine)


def test_nvidia_smi_lines_become_cards_and_unreadable_ones_are_left_out():
    text = "0, NVIDIA H200, 143771, 143000, 9.0\n1, Broken, [N/A], 1, 8.0\n2, A card, with a comma, 8192, 4096, 7.5\n"
    cards = parse_nvidia_smi(text)
    assert [(card.index, card.name, card.capability) for card in cards] == [
        (0, "NVIDIA H200", (9, 0)),
        (2, "A card, with a comma", (7, 5)),
    ]
    assert cards[1].total_gb == 8192 * 2**20 / 1e9


def test_only_cards_that_a_person_lets_programs_see_count():
    cards = tuple(dataclasses.replace(CARD, index=index) for index in range(3))
    assert visible(cards, "") == cards
    assert visible(cards, "GPU-8932f937") == cards
    assert visible(cards, "2, 0") == (cards[0], cards[2])


def test_the_card_with_most_free_memory_is_used():
    small = dataclasses.replace(CARD, name="small", free_gb=2.0)
    assert dataclasses.replace(LAPTOP, gpus=(small, CARD)).gpu == CARD
    assert LAPTOP.gpu is None


def test_a_person_chooses_a_card_and_how_much_of_it():
    cards = (CARD, dataclasses.replace(CARD, name="RTX 3060", total_gb=12.9, index=1))
    assert chosen(cards, {}) == cards
    assert [card.index for card in chosen(cards, {"DIORAMA_GPU": "1"})] == [1]
    assert [card.index for card in chosen(cards, {"DIORAMA_GPU": "3060"})] == [1]
    assert [card.total_gb for card in chosen(cards, {"DIORAMA_VRAM_GB": "16"})] == [16.0, 12.9]
    assert chosen((), {"DIORAMA_GPU": "1"}) == ()
    for wrong in (
        {"DIORAMA_GPU": "2"},
        {"DIORAMA_VRAM_GB": "all"},
        {"DIORAMA_VRAM_GB": "-1"},
        {"DIORAMA_VRAM_GB": "0"},
    ):
        with pytest.raises(BadRequest, match=r"Correct it in \.env"):
            chosen(cards, wrong)


def test_cards_of_amd_are_read_off_the_files_of_linux(tmp_path):
    for number, vendor, total in ((0, "0x8086", 0), (1, "0x1002", 17_163_091_968), (2, "0x1002", 536_870_912)):
        device = tmp_path / f"card{number}" / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        if total:
            (device / "mem_info_vram_total").write_text(f"{total}\n")
            (device / "mem_info_vram_used").write_text("1000000000\n")
    assert [(card.total_gb, card.free_gb) for card in amd_gpus(tmp_path)] == [(17.163091968, 16.163091968)]


def test_the_build_of_torch_is_known_without_importing_it():
    assert torch_build() in ("CUDA", "ROCm", "CPU")


def test_a_container_has_the_memory_it_was_given(tmp_path):
    limit = tmp_path / "memory.max"
    assert container_bytes(limit) == math.inf
    limit.write_text("max\n")
    assert container_bytes(limit) == math.inf
    limit.write_text("25769803776\n")
    assert container_bytes(limit) == 24 * 2**30


def test_the_meters_say_what_is_used_of_memory_and_free_on_the_disk():
    memory, disk = meters(LAPTOP, lambda: 50 * 10**9)
    assert (memory.label, memory.total_gb) == ("Memory", 24.0) and 0 <= memory.used_gb <= 24
    assert disk == ("Disk", 0.0, 50.0)
    card = dataclasses.replace(CARD, name="a card that nvidia-smi does not list", index=99)
    named, *others = meters(dataclasses.replace(LAPTOP, gpus=(card,)), lambda: 0)
    assert named == (card.name, pytest.approx(1.8), 25.8) and [each.label for each in others] == ["Memory", "Disk"]
    apple = dataclasses.replace(CARD, capability=(0, 0))  # its memory is the main memory
    assert [each.label for each in meters(dataclasses.replace(LAPTOP, gpus=(apple,)), lambda: 0)] == ["Memory", "Disk"]


def test_a_container_has_the_share_of_the_processor_it_was_given(tmp_path):
    share = tmp_path / "cpu.max"
    assert container_cores(share) == 0
    for said, cores in (
        ("max 100000\n", 0),
        ("200000 100000\n", 2),
        ("50000 100000\n", 1),
        ("150000 100000", 2),
        ("?", 0),
    ):
        share.write_text(said)
        assert container_cores(share) == cores, said


def test_every_entry_of_the_catalog_is_usable_as_it_stands():
    specs = [spec for spec in catalog.models(LAPTOP) if Task.GENERATE in spec.tasks]
    assert len({spec.id for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.label
        assert spec.licence
        assert spec.about
        assert spec.examples
        assert spec.sizes
        assert Task.GENERATE in spec.tasks
        assert all("{prompt}" in style.template for style in spec.styles)
        if spec.steps:
            assert spec.steps.low <= spec.steps.default <= spec.steps.high


def test_the_toy_is_asked_as_its_benchmark_asks_it():
    toy = catalog.models(LAPTOP)[0]
    assert toy.steps
    assert toy.guidance
    assert (toy.steps.default, toy.guidance.default) == (STEPS, GUIDANCE)
    assert toy.sizes == (Size(PICTURE_SIZE, PICTURE_SIZE),)


def test_the_toys_revision_names_its_weights(tmp_path):
    for part, content in (("vae", b"1"), ("transformer", b"2")):
        (tmp_path / part).mkdir()
        (tmp_path / part / "weights.safetensors").write_bytes(content)
    before = readiness.revision_of(tmp_path)
    (tmp_path / "vae" / "weights.safetensors").write_bytes(b"3")
    assert readiness.revision_of(tmp_path) != before
    assert len(before) == 12


def test_the_toy_knows_the_words_of_its_own_examples():
    toy = catalog.models(LAPTOP)[0]
    assert toy.known_words is not None
    words = toy.known_words()
    for example in toy.examples:
        assert set(example.split()) <= words
    assert "dragon" not in words


def test_a_style_leaves_a_prompt_alone_that_already_says_it():
    blue = flux.TOY_STYLES[0]
    assert blue.apply("a red ball") == "a red ball on a blue background"
    assert blue.apply("a red ball on a Pink Background") == "a red ball on a Pink Background"
