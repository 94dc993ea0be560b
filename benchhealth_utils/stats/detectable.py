"""The smallest true difference that a comparison is likely to find."""

from __future__ import annotations

import numpy as np
from scipy import stats

from .intervals import LEVEL

POWER = 0.8


def detectable_difference(
    error: float, *, power: float = POWER, level: float = LEVEL
) -> float | None:
    """Smallest difference found with the given power, from its standard error.

    ``(z_level + z_power) error``; None when the error is 0, for then no spread
    was seen and nothing is known.
    """
    z = stats.norm.ppf([(1 + level) / 2, power])
    return float(z.sum() * error) if error > 0 else None


def detectable_share(
    n: int, discordance: float, *, power: float = POWER, level: float = LEVEL
) -> float | None:
    """Smallest difference of two paired shares that McNemar's test finds.

    It solves ``d sqrt(n) = z_level sqrt(s) + z_power sqrt(s - d**2)``, where s
    is the discordance, the share of items that exactly one model has right.
    The exact test needs slightly more. None if not even ``d = s`` is found.

    References
    ----------
    Connor RJ. Biometrics 1987;43:207-211.

    Examples
    --------
    >>> round(detectable_share(1273, 0.3), 3)
    0.043
    """
    z_level, z_power = stats.norm.ppf([(1 + level) / 2, power])
    if n <= z_level**2:
        return None
    spread = z_level * np.sqrt(n) + z_power * np.sqrt(n - z_level**2 + z_power**2)
    found = float(np.sqrt(discordance) * spread / (n + z_power**2))
    return found if 0 < found <= discordance else None
