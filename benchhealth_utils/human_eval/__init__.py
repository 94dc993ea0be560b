"""Human evaluation: patients' questions, two replies side by side, blind raters.

`create_study` writes a study folder, `open_study(folder).log_in(code)` is what a
rater does, `load_votes` and `unblind` are for the analysis, and `settle` gives
the final labels.
"""

from .adjudication import settle
from .creation import create_study
from .criteria import CHOICES, CRITERIA, Criterion
from .folder import StudyError
from .folder_study import Card, Study, open_study
from .ratings import Judgement
from .sessions import Session
from .votes import load_votes, unblind

__all__ = [
    "CHOICES",
    "CRITERIA",
    "Card",
    "Criterion",
    "Judgement",
    "Session",
    "Study",
    "StudyError",
    "create_study",
    "load_votes",
    "open_study",
    "settle",
    "unblind",
]
