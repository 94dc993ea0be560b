"""How far a study is, without unblinding: the key is not read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .adjudication import due
from .folder_study import Study, open_study
from .ratings import Judgement

if TYPE_CHECKING:
    import pandas as pd


def status(study: Study | str | Path) -> pd.DataFrame:
    """Progress of each rater.

    Parameters
    ----------
    study : Study or path-like

    Returns
    -------
    DataFrame
        A row a rater: ``rater``, ``role``, ``cards`` (the senior's: those to settle by
        now), ``complete`` (all criteria judged, or left to the senior), ``begun`` (some
        of them), ``left``, ``difficult``, ``comments``, ``last`` (UTC; missing before
        the first rating).
    """
    import pandas as pd

    study = study if isinstance(study, Study) else open_study(study)
    rows = []

    def is_done(item: Judgement) -> bool:
        return item.judged if is_senior else item.complete

    for rater in (*study.raters, *study.seniors):
        said = study.ratings(rater).judgements()
        is_senior = rater in study.seniors
        own = due(study) | set(said) if is_senior else {card.id for card in study.cards_of(rater)}
        judged = [said.get(card, Judgement()) for card in own]
        complete = sum(is_done(item) for item in judged)
        rows.append(
            {
                "rater": rater,
                "role": "senior" if is_senior else "rater",
                "cards": len(own),
                "complete": complete,
                "begun": sum(bool(item.choices) for item in judged if not is_done(item)),
                "left": len(own) - complete,
                "difficult": sum(item.difficult for item in judged),
                "comments": sum(bool(item.comment) for item in judged),
                "last": max((at for item in judged for at in item.at.values()), default=None),
            }
        )
    frame = pd.DataFrame(rows)
    frame["last"] = pd.to_datetime(frame["last"], utc=True, format="ISO8601")
    return frame
