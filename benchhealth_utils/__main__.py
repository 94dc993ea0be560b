"""``python -m benchhealth_utils VERB``."""

from .cli import main

raise SystemExit(main())
