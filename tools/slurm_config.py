"""The file that says how slurm.py's options become those of sbatch; tools/slurm.conf explains its format."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from launcher import OURS, dashed, fail, nearest

OF_THE_RECIPE = Path("conf/slurm.conf")
OF_THE_TOOLS = Path(__file__).resolve().with_name("slurm.conf")
HANDLED_HERE = ["config", *(name for name in OURS if name != "num-threads")]  # never sbatch's business
ANY = "*"


@dataclass(frozen=True)
class Config:
    """A file that has been read: for each option, the arguments of sbatch by value."""

    path: Path
    command: list[str]
    described: dict[str, dict[str, list[str]]]
    defaults: dict[str, str]

    def check_names(self, options: dict[str, str]) -> None:
        """Refuse options that the file does not describe."""
        for name in options:
            if name not in self.described and name not in HANDLED_HERE:
                near = nearest(name, [*self.described, *HANDLED_HERE])
                fail(f"{self.path} describes no option --{name}; the nearest is --{near}")

    def submission(self, options: dict[str, str]) -> list[str]:
        """Return the command that submits a job with these options, without what every job gets."""
        command = list(self.command)
        for name, value in {**self.defaults, **options}.items():
            if name in HANDLED_HERE:
                continue
            by_value = self.described[name]
            if value not in by_value and ANY not in by_value:
                fail(f"--{name} {value}: {self.path} describes only {', '.join(by_value)}")
            template = by_value[value] if value in by_value else by_value[ANY]
            command += [word.replace("$0", value) for word in template]
        return command


def read_config(options: dict[str, str]) -> Config:
    """Read the file that --config names, else the recipe's, else the one of these tools."""
    if "config" in options:
        return read(Path(options["config"]))
    return read(OF_THE_RECIPE if OF_THE_RECIPE.exists() else OF_THE_TOOLS)


def read(path: Path) -> Config:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        fail(
            f"{path}: cannot read this configuration ({getattr(error, 'strerror', None) or 'not UTF-8 text'})"
        )
    command = ["sbatch"]
    described: dict[str, dict[str, list[str]]] = {}
    defaults: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines, 1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        where = f"{path}:{number}"
        if not line:
            continue
        if match := re.fullmatch(r"command\s+(.+)", line):
            command = words(match[1], where)
        elif match := re.fullmatch(r"option\s+([\w-]+)=(\S+)(?:\s+(.*))?", line):
            by_value = described.setdefault(dashed(match[1]), {})
            if match[2] in by_value:
                fail(f"{where}: option {match[1]}={match[2]} stands there twice")
            by_value[match[2]] = words(match[3] or "", where)
        elif match := re.fullmatch(r"default\s+([\w-]+)=(\S+)", line):
            defaults[dashed(match[1])] = match[2], number
        else:
            fail(f"{where}: {line!r} is not 'command ...', 'option NAME=VALUE ...' or 'default NAME=VALUE'")
    for name, (_, number) in defaults.items():
        if name not in described:
            fail(f"{path}:{number}: a default for {name}, and no line 'option {name}=...'")
    return Config(path, command, described, {name: value for name, (value, _) in defaults.items()})


def words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        fail(f"{where}: {str(error).lower()}")
