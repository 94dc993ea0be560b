"""BenchHealth: large language models in healthcare, benchmarked in the open.

The public names are loaded on first use, so that importing the package
stays quick and never loads torch.

>>> import benchhealth_utils as bh
>>> bh.DATASETS["medqa"].size
1273
"""

from importlib import import_module

__version__ = "0.2.0"

_HOME = {
    "DATASETS": "registry",
    "load": "data",
    "MODELS": "registry",
    "open_model": "models",
    "build": "prompts",
    "answer": "answers",
    "read": "tasks",
    "score": "tasks",
    "evaluate": "evaluation",
    "items": "evaluation",
    "frame": "evaluation",
    "compare": "evaluation",
    "published": "results",
    "paper": "printed",
    "add_csv": "tasks.own",
    "DATA": "schema",
    "Answer": "schema",
    "BenchHealthError": "schema",
    "DataError": "schema",
    "Example": "schema",
    "ModelError": "schema",
    "Run": "schema",
    "Scores": "schema",
}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'benchhealth_utils' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__():
    return __all__
