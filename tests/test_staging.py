"""The staged book: its configuration, the buttons of its pages, what Binder installs."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import cases
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchhealth_utils.schema import ROOT

spec = importlib.util.spec_from_file_location("stage", ROOT / "book" / "stage.py")
stage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stage)

REPOSITORY = "https://github.com/some-one/bench.health"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def staged(folder, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / "book" / "stage.py", folder, *arguments],
        capture_output=True,
        text=True,
    )


def test_the_folder_is_filled_anew_and_chapters_are_not_executed_again(tmp_path):
    (tmp_path / "site" / "notebooks").mkdir(parents=True)
    (tmp_path / "site" / "notebooks" / "old.ipynb").write_text("{}")
    assert staged(tmp_path / "site").returncode == 0
    names = {p.relative_to(tmp_path / "site").as_posix() for p in (tmp_path / "site").rglob("*")}
    assert {"_config.yml", "_toc.yml", "book/index.md", "book/_static/benchhealth.js"} <= names
    assert "notebooks" in names and "notebooks/old.ipynb" not in names
    config = yaml.safe_load((tmp_path / "site" / "_config.yml").read_text(encoding="utf-8"))
    assert config["execute"]["exclude_patterns"] == ["notebooks/exercises/*", "notebooks/*"]
    assert config["execute"]["execute_notebooks"] == "cache"
    assert {**config, "execute": CONFIG["execute"]} == CONFIG


def test_without_a_repository_no_link_is_made_up():
    config = stage.configuration(CONFIG)
    assert not {"repository", "launch_buttons"} & set(config)
    assert not any(config["html"].get(name) for name in stage.BUTTONS)


@pytest.mark.parametrize("address", [REPOSITORY, f"{REPOSITORY}.git", f"{REPOSITORY}/"])
def test_a_repository_is_linked_from_its_root(address, tmp_path):
    assert staged(tmp_path / "site", "--repository", address).returncode == 0
    config = yaml.safe_load((tmp_path / "site" / "_config.yml").read_text(encoding="utf-8"))
    assert config["repository"] == {"url": REPOSITORY, "branch": "main", "path_to_book": ""}
    assert config["launch_buttons"]["binderhub_url"] == "https://mybinder.org"
    assert all(config["html"][name] for name in stage.BUTTONS)


@pytest.mark.parametrize("address", cases("refused")["repositories"])
def test_an_address_of_another_form_is_refused_before_anything_is_removed(address, tmp_path):
    (tmp_path / "kept").write_text("kept")
    done = staged(tmp_path, "--repository", address)
    assert done.returncode != 0 and (tmp_path / "kept").exists()
    assert address in done.stderr and "https://github.com/<owner>/<name>" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_asked_beforehand_is_said_in_a_line_or_left_to_the_chapters(monkeypatch):
    path = str(ROOT / "book" / "ask.py")
    monkeypatch.setattr(sys, "argv", [path, "majority", "-p", "limit", "x", "-y", "a: 1"])
    runpy.run_path(path, run_name="__main__")
    monkeypatch.setattr(sys, "argv", [path, "gpt-4"])
    with pytest.raises(SystemExit, match="^gpt-4 .*cannot be run here"):
        runpy.run_path(path, run_name="__main__")


PAGE = """---
file_format: mystnb
kernelspec:
  name: python3
---

# A page of text
"""


def links(path):
    return re.findall(r'href="(https://[^"]+)"', path.read_text(encoding="utf-8"))


def test_buttons_of_built_pages_lead_to_the_notebooks_of_the_repository(tmp_path):
    site = tmp_path / "site"
    assert staged(site, "--repository", REPOSITORY).returncode == 0
    (site / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n  - file: notebooks/chapter\n"
    )
    (site / "book" / "index.md").write_text(PAGE)
    chapter = new_notebook(
        cells=[new_markdown_cell("# Chapter"), new_code_cell("1", execution_count=1)]
    )
    kernel = {"name": "python3", "display_name": "Python 3"}
    chapter.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    nbformat.write(chapter, site / "notebooks" / "chapter.ipynb")
    book = Path(sys.executable).parent / "jupyter-book"
    build = [book, "build", site, "--all", "-W", "-n"]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    chapter = links(site / "_build/html/notebooks/chapter.html")
    page = links(site / "_build/html/book/index.html")
    assert "THEBE_JS_URL" not in (site / "_build/html/book/index.html").read_text(encoding="utf-8")
    owner = "some-one/bench.health"
    assert {
        f"https://mybinder.org/v2/gh/{owner}/main?urlpath=lab/tree/notebooks/chapter.ipynb",
        f"https://colab.research.google.com/github/{owner}/blob/main/notebooks/chapter.ipynb",
        f"{REPOSITORY}/edit/main/notebooks/chapter.ipynb",
        REPOSITORY,
    } <= set(chapter)
    assert f"{REPOSITORY}/edit/main/book/index.md" in page
    assert not [link for link in page if "mybinder" in link or "colab" in link]


def closure(names):
    """All that pip installs for these packages, as far as they are installed here."""
    found, left = set(), [Requirement(name) for name in names]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if name not in found and (not wanted.marker or wanted.marker.evaluate({"extra": ""})):
            found.add(name)
            try:
                left += [Requirement(line) for line in requires(name) or ()]
            except PackageNotFoundError:
                continue
    return found


def test_binder_gets_torch_from_conda_alone_and_the_pinned_packages():
    """Through pip it would get the CUDA build, too large for it."""
    binder = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = binder["dependencies"]
    assert {"pytorch-cpu", "accelerate"} <= set(conda)
    assert pip["pip"][:2] == ["-c ../constraints.txt", "-e ..[notebooks]"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["notebooks"]
    installed = closure([*project["dependencies"], *extra, *pip["pip"][2:]])
    assert {"transformers", "gguf", "papermill", "pandas"} <= installed
    assert not {"torch", "accelerate"} & installed
    assert "torch" in closure(["accelerate"])
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert all(f"\n{name}==" in pinned for name in pip["pip"][2:])
    assert os.access(ROOT / ".binder" / "postBuild", os.X_OK)
