"""Samplers under the names that other tools have for them."""

from __future__ import annotations

import pytest

from studio.intake.settings.samplers import SAMPLERS, sampler_in


@pytest.mark.parametrize(
    ("parts", "sampler", "rest"),
    [
        ("sampler Euler a", "Euler a", ""),
        ("LoRA ink; sampler DPM++ 2M Karras; VAE x", "DPM++ 2M Karras", "LoRA ink; VAE x"),
        ("sampler DPM++ 2M; schedule type Karras", "DPM++ 2M Karras", ""),
        ("sampler DPM++ 2M; schedule type Automatic", "DPM++ 2M Karras", ""),
        ("sampler DPM++ 2M", "DPM++ 2M", ""),
        ("sampler DPM++ 2M; schedule type Exponential", "DPM++ 2M", "schedule type Exponential"),
        ("sampler Euler; schedule type Automatic", "Euler", ""),
        ("sampler Euler; schedule type Karras", "Euler", "schedule type Karras"),
        ("sampler euler_ancestral; scheduler normal", "Euler a", ""),
        ("sampler dpmpp_2m_sde_gpu; scheduler karras", "DPM++ 2M SDE Karras", ""),
        ("sampler dpmpp_2m; scheduler simple", "DPM++ 2M", ""),
        ("sampler uni_pc; scheduler sgm_uniform", "UniPC", "scheduler sgm_uniform"),
        ("sampler ddim; scheduler ddim_uniform", "DDIM", ""),
        ("sampler lcm", "LCM", ""),
        ("sampler k_euler_a", "Euler a", ""),
        ("scheduler dpmpp_2m_k", "DPM++ 2M Karras", ""),
        ("scheduler euler_a", "Euler a", ""),
        ("scheduler unipc", "UniPC", ""),
        ("scheduler euler_k", "", "scheduler euler_k"),
        ("sampler DPM++ SDE Karras", "", "sampler DPM++ SDE Karras"),
        ("sampler Heun; schedule type Karras", "", "sampler Heun; schedule type Karras"),
        ("scheduler karras", "", "scheduler karras"),
        ("LoRA sampler", "", "LoRA sampler"),
        ("", "", ""),
    ],
)
def test_a_sampler_is_known_by_all_its_names(parts: str, sampler: str, rest: str):
    assert sampler_in(parts.split("; "), SAMPLERS) == (sampler, rest.split("; ") if rest or not parts else [])
    assert sampler_in(parts.split("; "), ()) == ("", parts.split("; ")), "a model that has no choice says nothing"
