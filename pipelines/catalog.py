"""The models of `records` as entries of the studio's catalog. Light to import: heavy imports come with `load`."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines import bundled, readiness, torch_libraries
from pipelines.families import FAMILIES
from pipelines.hub.cache import Checkpoint, Download, HubCache
from pipelines.hub.stored import Stored
from pipelines.local_model import LocalModel
from pipelines.loras.files import TAKEN, beside, fitting, taken_by
from pipelines.machine import Machine, inspect
from pipelines.own_checkpoints import CONFIGS, OPENED, OwnCheckpoints, revision_of as own_revision
from pipelines.plan import Needs, Pace, Placement, Plan, Whole, plans
from pipelines.records import RECORDS
from pipelines.speed import Speed
from pipelines.upscalers import files as upscaler_files
from pipelines.words.toy_prompts import TOY_PROMPTS
from studio.contract import FULL_PRECISION, Model, ModelSpec, Progress, Size, Task, Tell
from studio.errors import NotReady
from studio.imaging.control import CANNY
from studio.imaging.upscale import LANCZOS
from studio.segmentation.outline_model import OUTLINE
from studio.validation import short

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


def models(
    machine: Machine | None = None,
    hub: HubCache | None = None,
    *,
    records: Iterable[LocalModel] = RECORDS,
    weights: Path = WEIGHTS,
) -> tuple[ModelSpec, ...]:
    """Every model this code can open; for each task the best one to start with first.

    Args:
        machine: for readiness; None inspects this machine.
        hub: the download cache; None: as the Hub's variables say, see `HubCache.here`.
        weights: where the bundled models are, a folder each.
    """
    machine, hub = machine or inspect(), hub or HubCache.here()
    there = [each for each in records if not each.optional or all((weights / id).is_dir() for id in each.bundles)]
    specs = [spec_of(each, machine, hub, weights / each.id) for each in _in_order(there, machine)]
    if any(Task.UPSCALE in spec.tasks for spec in specs):
        specs.append(LANCZOS)
    if places := [number for number, spec in enumerate(specs) if Task.CONTROL in spec.tasks]:
        specs.insert(places[0], CANNY)
    if any(Task.IMPROVE in spec.tasks for spec in specs):
        specs.append(TOY_PROMPTS)
    if places := [number for number, spec in enumerate(specs) if Task.SEGMENT in spec.tasks]:
        specs.insert(places[-1] + 1, OUTLINE)  # the least capable of them
    return tuple(specs)


def downloads(machine: Machine | None = None) -> dict[str, Download]:
    """The downloads for this machine, by model id."""
    machine = machine or inspect()
    return {each.id: download for each in RECORDS if (download := _download(each, machine))}


class OwnModels:
    """The models of the user's own checkpoints, as they are on every call. Thread-safe."""

    def __init__(
        self,
        folder: Path,
        machine: Machine | None = None,
        hub: HubCache | None = None,
        configs: Path = CONFIGS,
        more: Iterable[Path] = (),
        upscalers: Sequence[Path] = (),
    ) -> None:
        """
        Args:
            more: folders of other tools, whose models are used in place and never changed.
            upscalers: folders of upscaling networks, the user's own first.
            configs: configurations of single-file pipelines, a folder for each model they are opened like.
        """
        self._own, self._more = OwnCheckpoints(folder, configs), [OwnCheckpoints(each, configs) for each in more]
        self._machine, self._hub = machine or inspect(), hub or HubCache.here()
        self._upscalers = upscalers
        self._specs: dict[str, tuple[LocalModel, ModelSpec]] = {}

    @property
    def invitation(self) -> str:
        """Where to put them, in words for visitors."""
        folder = f"the folder {short(Path(self._own.folder.name))} of this machine"
        own = f"your own checkpoints (.safetensors or folders of {OPENED}) go into {folder}"
        return (
            "LoRAs, which a prompt names as <lora:name:0.8>, go into the folder loras; "
            f"upscalers (.safetensors or .pth) go into upscalers; {own}."
        )

    def __call__(self) -> tuple[ModelSpec, ...]:
        before, now, folder = self._specs, {}, self._own.folder
        for record in self._records():
            if record.fault and record.at and record.at.parent not in (folder, *self._upscalers[:1]):
                continue  # other tools may still open it
            known = before.get(record.id)
            is_same = known is not None and known[0] is record
            with suppress(OSError):  # deleted after it was listed
                now[record.id] = known if is_same else (record, spec_of(record, self._machine, self._hub, folder))
        self._specs = now
        return tuple(spec for _, spec in now.values())

    def _records(self) -> Iterator[LocalModel]:
        for own in (self._own, *self._more):
            yield from own.records()
        for place in self._upscalers:
            yield from upscaler_files.records(place)


def _in_order(records: Sequence[LocalModel], machine: Machine) -> list[LocalModel]:
    """A small model comes after the large one that is fast here; slow models make no good first impression."""
    place = {each.id: number for number, each in enumerate(records)}
    quick = {each.id for each in records if _is_quick(each, machine)}
    return sorted(records, key=lambda each: place[each.follows] + 0.5 if each.follows in quick else place[each.id])


def _is_quick(record: LocalModel, machine: Machine) -> bool:
    if not isinstance(record.needs, Needs):
        return machine.gpu is not None
    plan = readiness.plan_here(machine, record.needs)
    return plan is not None and plan.pace < Pace.SLOW


def spec_of(record: LocalModel, machine: Machine, hub: HubCache, bundle: Path) -> ModelSpec:
    """A record as it is on this machine.

    Args:
        bundle: its folder if it is bundled.
    """
    download, plan = _download(record, machine), _plan(record, machine)
    if machine.lender and (download or record.at):
        machine.lender.prepare(record.id)
    same = record.spec(
        load=partial(_load, record=record, machine=machine, hub=hub, bundle=bundle),
        readiness=partial(readiness.of, record, download or bundle, machine, hub),
        needs=partial(readiness.needs_of, record, download or bundle, machine, hub),
        gpu_gb=_gpu_gb(machine, record),
        layout=str(plan) if plan else "",
        precisions=_precisions(record, machine),
        fast=plan is not None and plan.compiles,
        pace=plan.pace.name.lower() if plan and plan.device != "cpu" else "",
        seconds=_seconds(record, machine, hub),
        loras=_loras(record, bundle),
        known_words=partial(_known_words, bundle / record.words_file) if record.words_file else None,
    )
    if record.at:
        gb = download.gb if download else 0.0
        gated, page = (download.gated, hub.page(download)) if download else (False, "")
        revision = "" if record.fault else own_revision(record.at)
        return replace(same, revision=revision, download_gb=gb, gated=gated, page_url=page)
    if download is None:
        return replace(same, revision=readiness.revision_of(*(bundle.parent / id for id in record.bundles)))
    page, named = hub.page(download), download.named()

    def others() -> list[Download]:
        return [each for id, each in downloads(machine).items() if id != record.id]

    return replace(
        same,
        weights=None if named else Stored(download, hub, others),
        revision="" if named else hub.commit(download.repo, download.revision) or "",
        download_gb=0.0 if named else download.gb,
        gated=download.gated,
        page_url=page,
        licence_url=record.licence_url or page,
    )


def _loras(record: LocalModel, bundle: Path) -> Callable[[], tuple[str, ...]] | None:
    """The names of the LoRA files that fit, including those bundled with the model."""
    if record.family not in TAKEN:
        return None
    is_bundled = not record.download and not record.at
    model = taken_by(record.family, bundle if is_bundled else record.at)
    return lambda: fitting(model, more=beside(bundle) if is_bundled else None)


def _plan(record: LocalModel, machine: Machine) -> Plan | None:
    """How it will run here, with nothing else loaded."""
    return readiness.plan_here(machine, record.needs) if isinstance(record.needs, Needs) else None


def _precisions(record: LocalModel, machine: Machine) -> tuple[str, ...]:
    """The precisions possible for the weights downloaded for this machine; 16 bits alone is no choice."""
    if not isinstance(record.needs, Needs) or not machine.gpu:
        return ()
    ways = plans(readiness.means(machine), record.needs)
    found = dict.fromkeys(way.precision.code for way in ways if way.precision.is_file == ways[0].precision.is_file)
    return tuple(code or FULL_PRECISION for code in found) if any(found) else ()


def _download(record: LocalModel, machine: Machine) -> Download | None:
    """The download for how it will run here, where the network may be a quantized file."""
    if record.download is None:
        return None
    download, plan = replace(record.download, label=record.label), _plan(record, machine)
    packed = dict(record.gguf).get(plan.precision) if plan else None
    if packed is None or not isinstance(record.needs, Needs):
        return download
    gb = download.gb - record.needs.transformer + packed.gb
    return replace(download, gb=gb, parts=(*download.parts, ("transformer", packed)))


def _load(tell: Tell, *, record: LocalModel, machine: Machine, hub: HubCache, bundle: Path) -> Model:
    """Raises NotReady if it does not fit, or the weights cannot be opened."""
    torch_libraries.preload()
    checkpoint = _checkpoint(record, machine, hub, bundle, tell)
    loading = partial(tell, Progress(0, 0, f"loading {record.label}"))
    loading()
    from pipelines import device
    from pipelines.opening.building import building

    # Bundled models are fast enough without borrowing a GPU.
    lender = machine.lender if record.download or record.at else None
    means = device.means(machine) if lender or machine.lender is None else device.without_card(machine)
    files = {Path(file).suffix for file in checkpoint.parts.values()}
    ways = tuple(way for way in plans(means, record.needs) if way.precision.is_file == (".gguf" in files))
    if lender is None and isinstance(record.needs, Needs):
        from pipelines.speed import cpu_ways  # imports diffusers: seconds that a first click must not wait

        ways = cpu_ways.suited(ways, checkpoint, hub.cache)
    if not ways:
        free = f"{means.free_gb:.0f} of {means.total_gb:.0f} GB are free on the GPU"
        found = free if means.card else "PyTorch finds no GPU"
        raise NotReady(f"{record.label} does not fit now: {found}. Close other programs, or choose another model.")
    opened = pkgutil.resolve_name(FAMILIES.get(record.family, record.family))
    with building(loading):
        if lender is None:
            return opened(checkpoint, ways)
        lent = lender.lend(record.id, opened(checkpoint, ways))
        if Task.SEGMENT not in record.tasks:
            return lent
        return opened(checkpoint, plans(device.without_card(machine), record.needs)).looking_by(lent)


def _checkpoint(record: LocalModel, machine: Machine, hub: HubCache, bundle: Path, tell: Tell) -> Checkpoint:
    """The weights, downloaded if needed."""
    download = _download(record, machine)
    without = download.without if download else ()
    checkpoint = Checkpoint(bundle, record.label, record.text_tokens, variant=record.variant, without=without)
    if record.at and download is None:
        return replace(checkpoint, path=record.at, config=record.config, own=True, without=record.unopened)
    if download is None:
        folders = [bundle.parent / id for id in record.bundles]
        for folder in folders:
            bundled.check(folder)
        return replace(checkpoint, beside=folders[-1]) if record.beside else checkpoint
    if named := download.named():
        return replace(checkpoint, path=named)
    from pipelines.hub import fetch

    folder = fetch.fetch(download, hub, tell)
    for file in record.also:
        fetch.fetch(replace(download, file=file), hub, tell)
    if own := record.named():
        return replace(checkpoint, path=own, beside=folder)
    if record.at:
        return replace(checkpoint, path=folder, parts=hub.files_of_parts(download) | {record.part: record.at}, own=True)
    # For a branch, the recipe names the downloaded commit.
    parts = hub.files_of_parts(download)
    return replace(checkpoint, path=folder / download.file, revision=folder.name, parts=parts)


def _gpu_gb(machine: Machine, record: LocalModel) -> float:
    """The plan's memory; the whole GPU if parts leave it, as those fill main memory, so one such model at a time.

    Nothing for bundled models, which are too small to make room for.
    """
    needs = record.needs if record.download or record.at else Whole()
    if not isinstance(needs, Needs):
        return needs.gpu_gb
    plan = _plan(record, machine)
    if plan is None or machine.gpu is None:
        return needs.weights
    return plan.gpu_gb if plan.placement == Placement.RESIDENT else machine.gpu.total_gb


def _seconds(record: LocalModel, machine: Machine, hub: HubCache) -> Callable[[int, Size], float | None] | None:
    """How long a picture takes, if the CPU makes it."""
    work, speed = record.work, Speed(hub.cache)
    plan = _plan(record, machine)
    if work is None or plan is None or plan.device != "cpu":
        return None
    return lambda steps, size: work.seconds(steps, size, known) if (known := speed.tflops()) else None


def _known_words(path: Path) -> frozenset[str]:
    return frozenset(json.loads(path.read_text(encoding="utf-8"))["words"])
