"""Human evaluation: patients' questions, two replies side by side, blind raters.

`create` makes a study, `Study` opens one. Who rates uses the page (`page`) or a CSV file
(`exchange`); the votes go to `analysis` as plain frames.
"""

from .sample import CRITERIA, StudyError
from .study import Study, create

__all__ = ["CRITERIA", "Study", "StudyError", "create"]
