"""Moved to `registry` and `data`; kept until its last caller is."""

from .data import *  # noqa: F403
from .data import _warn_once  # noqa: F401
from .registry import DATASETS, Dataset, dataset  # noqa: F401
