"""Vendors' batches: all prompts in one file, at half the price, answered within a day.

What was sent stands in ``runs/batches/<model>/``, a file a batch, written before it is sent:
a batch whose sending was interrupted is looked for at the vendor before it is sent again.
Answers go into the store under the keys of the same model asked one by one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from .answers import file_name
from .exchange import BATCH, URL, Kind, batch_line, read_lines, take_in, unanswered
from .guard import scrubbed
from .models import open_model
from .models.money import most_tokens
from .models.remote import RemoteModel
from .schema import BenchHealthError, ModelError, digest, runs_folder, write_atomic

ENDED = {"completed", "expired", "cancelled", "failed", "ended"}
CLOCK = 300  # seconds that a vendor's clock may be behind ours


class OpenAIBatches:
    """Files and batches of OpenAI's protocol."""

    form = "openai"

    def __init__(self, model: RemoteModel):
        self.client = model.batch_client()

    def send(self, lines: list[dict], name: str) -> str:
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        file = self.client.files.create(file=("prompts.jsonl", data), purpose="batch")
        options = {"completion_window": "24h", "metadata": {"benchhealth": name}}
        return self.client.batches.create(input_file_id=file.id, endpoint=URL, **options).id

    def find(self, row: dict) -> str | None:
        """The batch that an interrupted sending may have left."""
        batches = (b for b in self.client.batches.list() if b.created_at > row["since"] - CLOCK)
        names = (b.id for b in batches if (b.metadata or {}).get("benchhealth") == row["name"])
        return next(names, None)

    def look(self, batch: str) -> tuple[str, str]:
        """Its state, and what the vendor says of it."""
        found = self.client.batches.retrieve(batch)
        counts = found.request_counts
        about = f"{counts.completed} of {counts.total}, {counts.failed} failed" if counts else ""
        errors = (found.errors and found.errors.data) or []
        return found.status, "; ".join([about, *(str(error.message) for error in errors[:3])])

    def results(self, batch: str) -> list[bytes]:
        """Output and errors; a batch may have either, both or none."""
        found = self.client.batches.retrieve(batch)
        files = filter(None, (found.output_file_id, found.error_file_id))
        return [self.client.files.content(file).content for file in files]


class AnthropicBatches:
    """Message batches of Anthropic's protocol; they carry no name."""

    form = "anthropic"

    def __init__(self, model: RemoteModel):
        self.batches = model.batch_client().messages.batches

    def send(self, lines: list[dict], name: str) -> str:
        return self.batches.create(requests=lines).id

    def find(self, row: dict) -> str | None:
        """Known by their time and size; the ids of what they bring are checked later."""
        for batch in self.batches.list(limit=100):
            total = sum(batch.request_counts.model_dump().values())
            if batch.created_at.timestamp() > row["since"] - CLOCK and total == row["prompts"]:
                return batch.id
        return None

    def look(self, batch: str) -> tuple[str, str]:
        found = self.batches.retrieve(batch)
        counts = found.request_counts.model_dump()
        return found.processing_status, ", ".join(f"{n} {word}" for word, n in counts.items() if n)

    def results(self, batch: str) -> list[bytes]:
        lines = [line.model_dump_json() for line in self.batches.results(batch)]
        return ["\n".join(lines).encode()]


VENDORS = {"openai": OpenAIBatches, "anthropic": AnthropicBatches}


@contextmanager
def _vendor(name: str, budget=None):
    """A model and its vendor's batches; the vendor's errors become ours, without keys."""
    model = open_model(name, budget=budget)
    if not isinstance(model, RemoteModel) or model.package not in VENDORS or model.template:
        what = "a batch is asked of openai:<model> or anthropic:<model>, without a chat format."
        raise ModelError(f"{name}: {what}")
    try:
        yield model, VENDORS[model.package](model)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in VENDORS:
            raise
        said = scrubbed(str(error))[:300]
        raise ModelError(f"{model.name}: {model.place} says: {said} Run again to go on.") from None


def _folder(model: RemoteModel) -> Path:
    return runs_folder() / "batches" / file_name(model.name)


def _open(model: RemoteModel, vendor) -> dict[Path, dict]:
    """Batches that are not fetched; a sending that was cut has arrived, or is forgotten."""
    found = {}
    for path in sorted(_folder(model).glob("*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        if row["state"] == "sending":
            row |= {"id": vendor.find(row), "state": "sent"}
            if row["id"] is None:
                path.unlink()
                continue
            _save(path, row)
        if row["state"] == "sent":
            found[path] = row
    return found


def _save(path: Path, row: dict) -> None:
    write_atomic(path, json.dumps(row, indent=1) + "\n")


def submit(
    name: str,
    datasets: Sequence[str],
    *,
    limit: int = 0,
    newer: bool = False,
    budget: float | None = None,
    **how,
) -> pd.DataFrame:
    """Send the prompts without a stored answer, a batch a data set, if the budget allows.

    Parameters
    ----------
    name : str
        ``openai:<model>`` or ``anthropic:<model>``.
    datasets : sequence of str
    limit, newer, **how
        As in `export`.
    budget : float, optional
        Dollars at most, by default ``BENCHHEALTH_BUDGET`` or 5. The most that the batches
        can cost, at half the price, has to be within it.

    Returns
    -------
    DataFrame
        A row a batch: dataset, prompts, most_dollars, state, id.

    Raises
    ------
    BenchHealthError
        Before anything is sent, for credentialed data, a batch that is still open, or a
        budget that does not reach.
    """
    with _vendor(name, budget) as (model, vendor):
        model.check_price()
        rows, sent = [], _open(model, vendor)
        for kind, _, left in unanswered(model, datasets, None, limit, **how):
            for path, row in sent.items():
                if row["kind"] == vars(kind):
                    what = f"a batch of {kind.dataset} is open since {row['sent']}"
                    raise BenchHealthError(f"{model.name}: {what}. Fetch it first ({path.name}).")
            lines = [batch_line(vendor.form, model, at, ask, newer) for at, ask in left.items()]
            most = [model.price.of(*most_tokens(r)) for r in left.values()] if model.price else []
            row = {"kind": vars(kind), "limit": limit, "prompts": len(lines), "name": digest(lines)}
            row |= {"most_dollars": BATCH * sum(most), "state": "planned", "id": None}
            rows += [(row, lines)] if lines else []
        frame = _frame([row for row, _ in rows])
        print(f"The plan for a batch of {model.name} at {model.place}:\n{frame.to_string()}")
        total, most = sum(row["most_dollars"] for row, _ in rows), model.budget.limit
        if most is not None and total > most:
            what = f"the batches can cost {total:.4f} dollars, the budget is {most:g}"
            raise ModelError(f"{model.name}: {what}. Nothing was sent.")
        for row, lines in rows:
            path = _folder(model) / f"{row['kind']['dataset']}-{row['name'][:16]}.json"
            row |= {"state": "sending", "since": time.time(), "sent": time.strftime("%F %H:%M")}
            _save(path, row)
            row |= {"id": vendor.send(lines, row["name"]), "state": "sent"}
            _save(path, row)
        return _frame([row for row, _ in rows])


def _frame(rows: Sequence[dict]) -> pd.DataFrame:
    names = ("prompts", "most_dollars", "state", "id")
    found = [{"dataset": row["kind"]["dataset"], **{n: row[n] for n in names}} for row in rows]
    return pd.DataFrame(found, columns=["dataset", *names])


def status(name: str) -> pd.DataFrame:
    """What the vendor says of the batches that are not fetched; a row a batch, see `submit`."""
    with _vendor(name) as (model, vendor):
        rows = list(_open(model, vendor).values())
        said = [vendor.look(row["id"]) for row in rows]
        return _frame(rows).assign(state=[x for x, _ in said], said=[x for _, x in said])


def fetch(name: str) -> pd.DataFrame:
    """Take in the answers of batches that have ended; what failed or expired is sent anew.

    Returns
    -------
    DataFrame
        A row a batch that was fetched, see `exchange.take_in`; ``attrs["open"]`` counts
        those that have not ended, ``attrs["failed"]`` says why some were not run at all.
    """
    with _vendor(name) as (model, vendor):
        found, still, failed = [], 0, []
        for path, row in _open(model, vendor).items():
            state, said = vendor.look(row["id"])
            if state not in ENDED:
                still += 1
                continue
            files = vendor.results(row["id"])
            lines = [line for file in files for line in read_lines(row["id"], file)]
            found.append(take_in(model, lines, limits={Kind(**row["kind"]): row["limit"]}))
            failed += [f"{row['kind']['dataset']}: {said}"] if state == "failed" else []
            _save(path, row | {"state": "fetched"})
        frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
        frame.attrs |= {"open": still, "failed": failed}
        return frame
