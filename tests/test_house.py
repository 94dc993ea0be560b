"""The repository itself: pins, notebooks without outputs, nothing out of place."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
).stdout.splitlines()


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines):
    found = (re.fullmatch(r"([\w.-]+)==([\w.]+)", line.strip()) for line in lines)
    return {canonical(m[1]): m[2] for m in found if m}


def test_the_environment_agrees_with_the_constraints():
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (section,) = (part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    listed = pins(section)
    assert listed.items() <= constraints.items()
    assert len(listed) == len([line for line in section if not line.startswith("-")])


def test_every_declared_dependency_is_pinned_and_in_the_environment():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {canonical(re.match(r"[\w.-]+", line)[0]) for group in groups for line in group}
    names.discard("benchhealth-utils")
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    environment = (ROOT / "environment.yml").read_text()
    assert names <= set(constraints)
    assert all(re.search(rf"- {name}==", environment) for name in names)


def test_the_packages_of_the_design_are_all_there():
    wanted = (
        "jupyter jupyter-book papermill transformers torch accelerate openai anthropic pandas "
        "seaborn rouge-score sacrebleu scikit-learn"
    ).split()
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    assert set(wanted) <= set(constraints)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean_and_read_top_to_bottom(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = notebook["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert "signature" not in notebook["metadata"]
    assert cells[0]["cell_type"] == "markdown"
    assert cells[1]["metadata"]["tags"] == ["parameters"]
    headings = [
        line
        for cell in cells
        if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines()
        if line.startswith("# ")
    ]
    assert len(headings) == 1
    for cell in code:
        source = "".join(cell["source"])
        assert max(map(len, source.splitlines())) <= 76
        assert not re.search(r"^\s*(def|class|lambda)\b", source, re.M)
        assert len(source.splitlines()) <= 8
        if "figure = " in source:
            assert cell["metadata"]["mystnb"]["image"]["alt"]


def test_parameters_are_annotated_and_explained():
    for path in NOTEBOOKS:
        source = "".join(json.loads(path.read_text())["cells"][1]["source"])
        for line in source.splitlines():
            assert re.fullmatch(r"\w+: (str|int|float|bool) = .+  # .+", line), line


def test_the_top_level_is_what_the_design_fixes():
    for name in "book notebooks benchhealth_utils data tests".split():
        assert (ROOT / name).is_dir()
    for name in "_config.yml _toc.yml environment.yml README.md LICENSE CITATION.cff".split():
        assert (ROOT / name).is_file()


def test_no_large_or_generated_file_is_tracked():
    for name in TRACKED:
        path = ROOT / name
        assert not path.exists() or path.stat().st_size <= 2 * 2**20, name
        assert not re.search(r"(^|/)(__pycache__|_build|runs|\.venv)/", name), name


def test_no_path_of_one_machine():
    pattern = re.compile("/(" + "|".join(["work", "tmp", "root"]) + ")/|/home/" + "[a-z]")
    for name in TRACKED:
        path = ROOT / name
        if path.exists() and "data/samples" not in name and path.suffix != ".png":
            assert not pattern.search(path.read_text(encoding="utf-8")), name


def test_the_readme_points_at_what_exists_and_has_no_gaps():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "@@" not in text
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert target.startswith("https://") or (ROOT / target).exists(), target


def test_hook_versions_agree_with_the_constraints():
    constraints = pins((ROOT / "constraints.txt").read_text().splitlines())
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        name = canonical(repo["repo"].rsplit("/", 1)[1].removesuffix("-pre-commit"))
        if name in constraints:
            assert repo["rev"].lstrip("v") == constraints[name]
