"""Puts off what torch, diffusers, transformers and torchvision import at once and need late or never: torch's compiler,
peft and bitsandbytes, a quarter of the processor time until the first picture (7.6 to 5.8 s, measured on an EPYC).

The modules in `_BY` get a name that stands for what they import from those packages until it is used. What they ask of
the compiler meanwhile, to leave a function or a class alone, is noted and told to it should it be imported one day.
Where a library changes, it imports as before.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_COMPILER, _ITS_API = "torch._dynamo", "torch.compiler"
_PUT_OFF = {
    _COMPILER,
    f"{_COMPILER}.utils",
    f"{_COMPILER}._trace_wrapped_higher_order_op",
    "peft",
    "peft.helpers",
    "peft.tuners.tuners_utils",
    "bitsandbytes",
}
_BY = {
    "torch._compile",
    "torchvision.ops.roi_align",
    "transformers.masking_utils",
    "diffusers.hooks.layerwise_casting",
    "diffusers.loaders.lora_base",
    "diffusers.pipelines.pipeline_loading_utils",
    "diffusers.quantizers.bitsandbytes.utils",
    "diffusers.utils.peft_utils",
    "diffusers.utils.torch_utils",
}


def put_off() -> None:
    """Must be called before torch is imported. Once is enough."""
    sys.meta_path.insert(0, _Finder())


class _Later:
    """Stands for a module, or for what has a name in it, until it is used."""

    def __init__(self, home: str, name: str = "") -> None:
        self._home, self._name = home, name

    def __call__(self, *values: Any, **options: Any) -> Any:
        return self._it()(*values, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._it(), name)

    def __instancecheck__(self, thing: object) -> bool:
        return self._home in sys.modules and isinstance(thing, self._it())

    def _it(self) -> Any:
        module = importlib.import_module(self._home)
        return getattr(module, self._name) if self._name else module


class _Names:
    """A module that is not there yet, as `from ... import` sees it."""

    def __init__(self, home: str) -> None:
        self._home = home

    def __getattr__(self, name: str) -> Any:
        return _Later(self._home, name)


class _Compiler:
    """`torch._dynamo` until somebody uses it."""

    def __init__(self) -> None:
        self._whole: list[Any] = []
        self._disabled: list[Any] = []
        self._meanwhile = {
            "allow_in_graph": self._keep_whole,
            "assume_constant_result": self._mark_constant,
            "disable": self._disable,
            "is_compiling": bool,
            "eval_frame": _Names(f"{_COMPILER}.eval_frame"),  # has the class of compiled modules: there are none
        }

    def __getattr__(self, name: str) -> Any:
        if name in self._meanwhile and _COMPILER not in sys.modules:
            return self._meanwhile[name]
        return getattr(importlib.import_module(_COMPILER), name)

    def tell(self, compiler: Any) -> None:
        """It is imported: tell it what was asked of it."""
        for one in self._whole:
            compiler.allow_in_graph(one)
        for one in self._disabled:
            vars(one).pop("__dynamo_disable", None)  # where torch keeps what `disable` gave

    def _keep_whole(self, fn: Any) -> Any:
        self._whole.append(fn)
        return fn

    def _mark_constant(self, fn: Any) -> Any:
        fn._dynamo_marked_constant = True  # all that torch does
        return fn

    def _disable(self, fn: Any = None, *_options: Any, **_more: Any) -> Any:
        if fn is None:
            return self._disable
        fn._torchdynamo_disable = True  # what the compiler looks for
        self._disabled.append(fn)
        return fn


_compiler = _Compiler()


class _Finder(MetaPathFinder):
    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname not in _BY and fullname not in (_COMPILER, _ITS_API):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ in _BY:
            vars(module)["__builtins__"] = vars(builtins) | {"__import__": _import}
        super().exec_module(module)
        if module.__name__ == _COMPILER:
            _compiler.tell(module)
        elif module.__name__ == _ITS_API:
            vars(sys.modules["torch"])["_dynamo"] = _compiler
            for name in ("allow_in_graph", "assume_constant_result", "disable"):
                vars(module)[name] = _asking(name, getattr(module, name))


def _import(name: str, names: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
    """`__import__` as the modules in `_BY` have it."""
    if name not in _PUT_OFF or name in sys.modules:
        return builtins.__import__(name, names, local, wanted, level)
    if name == _COMPILER:
        torch = sys.modules["torch"]
        return torch._dynamo if wanted else torch
    return _Names(name) if wanted else _Later(name)


def _asking(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `torch.compiler`, which would import the compiler."""

    def ask(*values: Any, **options: Any) -> Any:
        return (function if _COMPILER in sys.modules else getattr(_compiler, name))(*values, **options)

    return ask
