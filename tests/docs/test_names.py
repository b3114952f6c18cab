"""The pages speak of what there is: verbs, files, blocks of tables, and a house whose imports go one way."""

import ast
import re

import pytest

from wespk.cli.main import VERBS
from wespk.metrics.blocks import find_blocks

# What each part may import of wespk besides itself, as the table of docs/architecture.md says.
MAY_IMPORT = {
    "core": set(),
    "data": {"core"},
    "features": {"data", "core"},
    "augment": {"data", "core"},
    "models": {"core"},
    "losses": {"core"},
    "backend": {"core"},
    "metrics": {"core"},
    "inference": {"models", "features", "data", "core"},
    "train": {"inference", "augment", "models", "losses", "features", "data", "core"},
}


def pages(root):
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted(root.glob("egs/*/RESULTS.md"))]


def test_every_verb_that_a_page_or_a_recipe_names_exists(root):
    places = [*pages(root), *sorted((root / "tools").glob("*.sh")), *sorted(root.glob("egs/*/*.sh"))]
    named = {
        (path.name, verb)
        for path in places
        for verb in re.findall(
            r"(?:`|^\s*)wespk ([a-z]+(?:-[a-z]+)*)(?![\w-])", path.read_text("utf-8"), re.MULTILINE
        )
        if not (path.name == "architecture.md" and verb == "is")
    }
    assert len(named) > 50
    assert sorted(each for each in named if each[1] not in {*VERBS, "compute"}) == []  # compute-KIND


def test_every_verb_is_on_a_page(root):
    text = "\n".join(path.read_text("utf-8") for path in pages(root))
    missing = [
        verb
        for verb in VERBS
        if not re.search(rf"`{verb}\b|wespk {verb}\b|`-{verb.partition('-')[2]}`", text)
    ]
    assert missing == []


def test_links_between_pages_lead_somewhere(root):
    for path in pages(root):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_tables_of_results_stand_in_blocks_that_a_command_writes(root):
    for recipe, lists in (("mini", ("test", "test_3")), ("an4", ("test", "test_3"))):
        (block,) = find_blocks((root / "egs" / recipe / "RESULTS.md").read_text("utf-8"))
        assert (block.exp, block.lists) == ("exp/ecapa", lists)
    (block,) = find_blocks((root / "README.md").read_text("utf-8"))
    assert (block.exp, block.lists) == ("egs/mini/exp/ecapa", ("test",))


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_one_way(root, part):
    found = set()
    for path in (root / "wespk" / part).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wespk."):
                found.add(node.module.split(".")[1])
            elif isinstance(node, ast.Import):
                found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("wespk.")}
    assert found - {part} <= MAY_IMPORT[part]
