"""A notebook's parameters: what is in force, and what is refused."""

import types

import pytest

from benchhealth_utils.parameters import start
from benchhealth_utils.schema import BenchHealthError

NAMES = ("model", "shots", "limit", "seed", "mode", "budget")
GOOD = {
    "model": "majority",
    "shots": 0,
    "limit": 8,
    "seed": 0,
    "mode": "generate",
    "budget": 5,  # papermill hands over a whole number as an int
}


def test_parameters_in_force_are_printed(capsys):
    start({**GOOD, "_i1": "x", "In": [], "os": types.ModuleType("os")}, *NAMES)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "model = 'majority'",
        "shots = 0",
        "limit = 8",
        "seed = 0",
        "mode = 'generate'",
        "budget = 5",
        "data = data/samples",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modle": "x"}, "no parameter modle. It has: model, shots"),
        ({"shots": "3"}, "shots is '3'; expected int"),
        ({"limit": -1}, "limit is -1; expected 0 or more"),
        ({"budget": "5"}, "budget is '5'; expected float"),
        ({"budget": -0.5}, "budget is -0.5; expected 0 or more"),
        ({"limit": True}, "limit is True; expected int"),
        ({"mode": "guess"}, "mode is 'guess'; expected one of: generate, likelihood"),
        ({"model": "gpt4"}, "no model 'gpt4'. Known: claude-2"),
    ],
)
def test_bad_parameters_are_refused(change, message):
    with pytest.raises(BenchHealthError, match=message):
        start({**GOOD, **change}, *NAMES)


def test_a_missing_parameter_is_refused():
    with pytest.raises(BenchHealthError, match="seed has no value"):
        start({k: v for k, v in GOOD.items() if k != "seed"}, *NAMES)
