"""The texts read well for everybody: alt text with content, spelling, links that lead somewhere, the length of a lesson."""

import ast
import hashlib
import io
import re
import statistics
import subprocess
import sys
import tokenize
from itertools import chain
from pathlib import Path
from urllib.parse import unquote, urlsplit

import codespell_lib
import pytest
from test_anatomy import ALL, LESSONS, PATHS, SOLUTIONS, code, headings, outputs, prose, words

from lossconditioning import notebooks

ROOT = Path(__file__).parents[2]
NOTEBOOKS = PATHS + SOLUTIONS


def repository_files(*suffixes: str) -> list[Path]:
    """The repository's files with these endings, new ones included, ignored ones not."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return sorted({path for path in paths if path.suffix in suffixes and path.is_file()})


MARKDOWN = repository_files(".md")
PROSE = pytest.mark.parametrize("path", MARKDOWN + NOTEBOOKS, ids=lambda p: p.relative_to(ROOT).as_posix())


def text_of(path: Path) -> str:
    """What a reader reads in a Markdown file or a notebook, captions and alt texts included, code not."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    notebook = notebooks.read(path)
    captions = [output.data.get("text/markdown", "") for output in outputs(notebook) if "data" in output]
    return "\n".join([prose(notebook), *captions, *(alt for alt, _ in pictures(path))])


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`|\$[^$]*\$", "", text, flags=re.DOTALL)


# Pictures -----------------------------------------------------------------------------------------------------------------


def pictures(path: Path) -> list[tuple[str, str]]:
    """Alt text and digest of every picture in a notebook."""
    found = [(notebooks.picture_kind(output), output) for output in outputs(notebooks.read(path))]
    return [(o.metadata[kind]["alt"], hashlib.sha256(o.data[kind].encode()).hexdigest()) for kind, o in found if kind]


@ALL
def test_alt_text_is_a_sentence_that_says_what_is_there(path):
    for alt, _ in pictures(path):
        assert alt[0].isupper() or alt[0].isdigit(), alt
        assert alt.endswith("."), alt
        assert len(alt.split()) >= 10, alt
        assert not re.match(r"(an? )?(image|picture|figure|plot|graph|screenshot)( of)?\b", alt, re.IGNORECASE), alt


def test_two_pictures_share_an_alt_text_only_if_they_are_the_same_picture():
    every = set(chain.from_iterable(map(pictures, NOTEBOOKS)))
    alts = [alt for alt, _ in every]
    assert sorted(alts) == sorted(set(alts))


@ALL
def test_a_caption_does_not_repeat_the_alt_text(path):
    alts = [alt for alt, _ in pictures(path)]
    captions = [output.data.get("text/markdown", "") for output in outputs(notebooks.read(path)) if "data" in output]
    assert not [(alt, caption) for alt in alts for caption in captions if alt.rstrip(".") in caption]


@ALL
def test_figures_are_numbered_in_order(path):
    captions = re.findall(r"^\*Figure (\d+)\b", text_of(path), re.MULTILINE)
    assert list(map(int, captions)) == list(range(1, len(captions) + 1))


def test_pictures_in_markdown_have_alt_text():
    for path in MARKDOWN:
        for alt in re.findall(r"!\[([^\]]*)\]", without_code(path.read_text(encoding="utf-8"))):
            assert len(alt.split()) >= 10, f"{path.name}: {alt}"


# Spelling -----------------------------------------------------------------------------------------------------------------


def test_spelling():
    files = repository_files(".md", ".ipynb", ".py", ".toml", ".yml", ".txt", ".css", "")
    result = subprocess.run([sys.executable, "-m", "codespell_lib", *files], cwd=ROOT, capture_output=True, text=True)
    assert not result.stdout, result.stdout
    assert result.returncode == 0, result.stderr


# British English too: a tale, what a computer runs, what one can write to, the name of a role or a module.
EITHER = {"story", "program", "writable", "math"}


def americanisms() -> dict[str, str]:
    """American → British, from codespell's list; -ize and -yze are British as well (Oxford)."""
    listed = Path(codespell_lib.__file__).parent / "data" / "dictionary_en-GB_to_en-US.txt"
    pairs = [line.split("->") for line in listed.read_text(encoding="utf-8").splitlines()]
    pairs = [(word.strip(), british) for british, americans in pairs for word in americans.split(",") if word.strip()]
    return {
        american: british
        for american, british in pairs
        if american not in EITHER and american.replace("z", "s") != british.replace("z", "s")
    }


AMERICANISMS = americanisms()


def american_words(text: str) -> list[str]:
    words = re.findall(r"[A-Za-z]+", re.sub(r"https?://\S+|\]\([^)]*\)", "", without_code(text)))
    return [f"{word} ({AMERICANISMS[word.lower()]})" for word in words if word.lower() in AMERICANISMS]


@PROSE
def test_prose_is_in_british_spelling(path):
    assert not american_words(text_of(path))


def test_comments_and_docstrings_are_in_british_spelling():
    for path in repository_files(".py"):
        source = path.read_text(encoding="utf-8")
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = [
            ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, documented)
        ]
        assert not american_words("\n".join(comments + docstrings)), path


# Links --------------------------------------------------------------------------------------------------------------------

LINK = re.compile(r"\[(?P<text>(?:!\[[^\]]*\]\([^)]*\)|[^\[\]])*)\]\((?P<target>[^)\s]+)\)")


def links(path: Path) -> list[tuple[str, str]]:
    """Text and target of every link and picture of a Markdown file or a notebook."""
    text = without_code(text_of(path))
    nested = re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text)
    return [(match["text"], match["target"]) for match in LINK.finditer(text)] + nested


def anchors(path: Path) -> set[str]:
    """What ``#…`` may follow the address of a file: Jupyter and code-hosting pages name headings by different rules."""
    if path.suffix == ".ipynb":
        return {title.strip().replace(" ", "-") for _, title in headings(notebooks.read(path))}
    titles = re.findall(r"^#+ (.+)$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@PROSE
def test_internal_links_lead_to_files_and_headings(path):
    for text, target in links(path):
        if not urlsplit(target).scheme:
            file, _, anchor = target.partition("#")
            there = (path.parent / unquote(file)).resolve() if file else path
            assert there.is_relative_to(ROOT), target
            assert there.exists(), f"[{text}]({target})"
            assert not anchor or unquote(anchor) in anchors(there), f"[{text}]({target})"


@PROSE
def test_files_that_are_named_exist(path):
    """`folder/file.ending` in backticks; what a reader is to put in stands in CAPITALS or <brackets>."""
    named = re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|ipynb|md|json|toml|png))`", text_of(path))
    for name in named:
        if not re.search(r"[A-Z]{4}", Path(name).stem) and not name.startswith(("runs/", "build/")):
            assert (ROOT / name).exists() or (path.parent / name).exists(), name


@PROSE
def test_a_link_says_where_it_leads(path):
    assert not [
        link for link in links(path) if link[0].strip(" *_").lower() in {"", "here", "this", "link", "click here"}
    ]


def test_external_links_are_https():
    """Not fetched: tests need no network. The list is printed for whoever wants to look (pytest -rP)."""
    found = sorted({re.sub(r"[.,;:]+$", "", url) for path in MARKDOWN + NOTEBOOKS for url in urls(text_of(path))})
    print("\n".join(found))
    for url in found:
        parts = urlsplit(url)
        if parts.hostname not in {"localhost", "127.0.0.1"}:
            assert parts.scheme == "https", url
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.hostname or ""), url
            assert not re.search(r"[\s<>\"{}|\\^`]", url), url


def urls(text: str) -> list[str]:
    return re.findall(r"\b[a-z]+://[^\s)\]\"'`>]+", text)


# Length -------------------------------------------------------------------------------------------------------------------


def sizes(path: Path) -> dict[str, float]:
    """What the design (a notebook's anatomy) limits. Lines are lines with something on them."""
    notebook = notebooks.read(path)
    lines = [sum(1 for line in cell.source.splitlines() if line.strip()) for cell in code(notebook)]
    return {
        "code cells": len(lines),
        "median lines": statistics.median(lines),
        "longest": max(lines),
        "code lines": sum(lines),
        "words": words(notebook),
        "figures": len(pictures(path)),
        "KiB": path.stat().st_size // 1024,
    }


def test_lessons_have_the_code_of_a_lesson():
    """250 to 550 lines are typical of notebooks worth learning from; the table is printed (pytest -rP)."""
    table = {f"{path.parent.name}/{path.stem}": sizes(path) for path in NOTEBOOKS}
    print(" " * 36, *(f"{name:>12}" for name in next(iter(table.values()))))
    for name, row in table.items():
        print(f"{name:36}", *(f"{value:12,g}" for value in row.values()))
    for path in LESSONS:
        assert 250 <= table[f"notebooks/{path.stem}"]["code lines"] <= 550


@ALL
def test_headings_are_told_apart(path):
    titles = [title for _, title in headings(notebooks.read(path))]
    assert sorted(titles) == sorted(set(titles))
