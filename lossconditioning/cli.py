"""The command line: run notebooks, train and evaluate systems, look after data."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Annotated

import typer
from typer.core import TyperCommand

from lossconditioning.commands import codec, notebooks, systems
from lossconditioning.errors import ReaderError

# Newer typer carries a click of its own; through typer's names the classes are right in every version.
UsageError = typer.BadParameter.__bases__[0]


class Command(TyperCommand):
    """A command whose help is written with any click; a typer before 0.16 does not know what click 8.2 asks and gives."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if hasattr(parameter, "make_metavar"):
                parameter.make_metavar = partial(_metavar, parameter.make_metavar)


def _metavar(make: Callable[..., str], ctx: object = None) -> str:
    return make(ctx) if "ctx" in signature(make).parameters else make()


app = typer.Typer(
    help="Networks whose training objective can be turned like a dial after training.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(short_help="Execute notebooks, as .ipynb and .html.", cls=Command)(notebooks.run)
app.command("app", short_help="Serve play panels as apps.", cls=Command)(notebooks.serve)
app.command(short_help="Train a system; continues if interrupted.", cls=Command)(systems.train)
app.command(short_help="Measure checkpoints, check the claims.", cls=Command)(systems.evaluate)
app.command(short_help="Print all claims beside measurements.", cls=Command)(notebooks.scoreboard)
app.command(short_help="Pictures to small files, at any weight.", cls=Command)(codec.compress)
app.command(short_help="And back.", cls=Command)(codec.decompress)
data_app = typer.Typer(help="List the data sets, or fetch one.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")


@data_app.command("list", cls=Command)
def data_list() -> None:
    """List the data sets: name, what it is, size, licence, source.

    Example: lossconditioning data list
    """
    from lossconditioning.datasets import DATASETS

    for name, entry in DATASETS.items():
        print(f"{name}: {entry.summary}\n    {entry.size}; licence: {entry.licence}; source: {entry.source}")


@data_app.command("fetch", cls=Command)
def data_fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `data list`.")]) -> None:
    """Download a data set into $LOSSCONDITIONING_DATA, or data/cache. What is computed needs no download.

    Example: lossconditioning data fetch sym_toy
    """
    from lossconditioning.datasets import dataset
    from lossconditioning.paths import data_cache

    entry = dataset(name)
    if entry.fetch is None:
        print(f"{name} is {entry.size.split(',')[0]}: nothing to download.")
    else:
        print(f"{name} is in {entry.fetch(data_cache())}.")


def main(arguments: list[str] | None = None) -> None:
    """Entry point. A reader's mistake is one line on stderr and exit status 2; an interrupt is 130."""
    if hasattr(sys.stdout, "reconfigure") and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a console that knows no λ shows \u03bb, as JSON writes it
    warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
    try:
        status = app(args=arguments, prog_name="lossconditioning", standalone_mode=False)
    except ReaderError as error:
        _fail(str(error))
    except (typer.Exit, typer.Abort) as leaving:
        raise SystemExit(getattr(leaving, "exit_code", 130)) from None
    except UsageError as error:
        # Without any command the message is the whole help page; its first line will do.
        _fail(f"{error.format_message().strip().splitlines()[0]} See: lossconditioning --help")
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))
    else:
        raise SystemExit(status if isinstance(status, int) else 0)


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    raise SystemExit(2) from None
