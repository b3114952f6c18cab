"""The outside of a command: its argument parser, and errors that become one line and an exit status."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from wespk.core.errors import WespkError


def doc_parser(doc: str | None, program: str | None = None) -> argparse.ArgumentParser:
    """Return a parser whose help is a module's docstring, and that takes no abbreviated options."""
    return _OneLineParser(
        prog=program,
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


class _OneLineParser(argparse.ArgumentParser):
    """Says in one line what is wrong, with the nearest right option, instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        wrong = message.removeprefix("unrecognized arguments: ")
        if wrong != message and wrong.startswith("-"):
            option = wrong.split()[0].partition("=")[0]
            close = difflib.get_close_matches(option, self._option_string_actions, n=1)
            message = f"unknown option {option}" + (f": did you mean {close[0]}?" if close else "")
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


@contextmanager
def errors_for_people(program: str | None = None) -> Iterator[None]:
    """Turn an error for people into ``PROGRAM: error: message`` and status 1, without a traceback."""
    program = program or os.path.basename(sys.argv[0])
    try:
        yield
    except WespkError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:  # disk full, no permission, a file where a folder should be
        print(f"{program}: error: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        sys.exit(1)
