"""Stage the book: its pages and a configuration, ready for executed chapters.

``python book/stage.py FOLDER [--repository URL]`` empties FOLDER and copies the
pages, the contents and the configuration there. papermill then writes the
executed chapters to FOLDER/notebooks, and Jupyter Book builds FOLDER. Paths
below FOLDER are those of the repository, so links to the sources stay right.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
LAUNCH = {
    "notebook_interface": "jupyterlab",
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
}
BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")


def configuration(source: dict, repository: str = "") -> dict:
    """The staged configuration: chapters are not executed again, links if known.

    Parameters
    ----------
    source : dict
        What ``_config.yml`` says.
    repository : str
        ``https://github.com/<owner>/<name>``. Without it the pages have no
        button that leads to a repository, to Binder or to Colab.

    Raises
    ------
    ValueError
        The address is not of that form.
    """
    done = [*source["execute"]["exclude_patterns"], "notebooks/*"]  # blanks, and what papermill ran
    execute = {"execute_notebooks": "cache", "exclude_patterns": done}  # which `make book` empties
    config = {**source, "execute": source["execute"] | execute}
    if repository:
        if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", repository):
            raise ValueError(
                f"REPOSITORY is {repository}; it has to read https://github.com/<owner>/<name>."
            )
        url = repository.removesuffix(".git")
        config["repository"] = {"url": url, "branch": "main", "path_to_book": ""}
        config["launch_buttons"] = dict(LAUNCH)
        config["html"] = {**source["html"], **dict.fromkeys(BUTTONS, True)}
    return config


def stage(folder: Path, repository: str = "") -> None:
    """Fill `folder` anew; nothing of an earlier build stays in it."""
    source = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config = configuration(source, repository)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks" / "exercises", folder / "notebooks" / "exercises")
    shutil.copy(ROOT / "_toc.yml", folder)
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (folder / "_config.yml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repository", default="", metavar="URL")
    arguments = parser.parse_args()
    try:
        stage(arguments.folder, arguments.repository.rstrip("/"))
    except ValueError as error:
        raise SystemExit(str(error)) from None
