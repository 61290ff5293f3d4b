"""Prints the commands and their options for the docs, from the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from syncd.cli.frame import app

Command = Any  # click's, which typer brings along under a private name


def commands() -> Iterator[tuple[str, Command]]:
    """Every command with its full name, groups as their members, in the order of `syncd --help`."""
    yield from _below("syncd", typer.main.get_command(app))


def _below(name: str, command: Command) -> Iterator[tuple[str, Command]]:
    members = getattr(command, "commands", None)
    if members is None:
        yield name, command
        return
    for member, inner in members.items():
        if not inner.hidden:
            yield from _below(f"{name} {member}", inner)


def table() -> str:
    """One line for each command."""
    rows = [f"| `{usage(name, command)}` | {first_sentence(command)} |" for name, command in commands()]
    return "\n".join(["| command | does |", "|---|---|", *rows])


def details() -> str:
    """Each command with its options."""
    return "\n\n".join(_section(name, command) for name, command in commands())


def usage(name: str, command: Command) -> str:
    """The command as it is typed, without its options."""
    arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    return " ".join([name, *arguments])


def _argument(argument: Any) -> str:
    shown = argument.metavar or (argument.name or "").upper()
    many = "…" if argument.nargs != 1 and "..." not in shown else ""
    return f"{shown.replace('...', '…')}{many}"


def first_sentence(command: Command) -> str:
    """What the command does, in short."""
    return _escaped(_paragraphs(command)[0])


def _section(name: str, command: Command) -> str:
    options = [_option(one) for one in command.params if one.param_type_name == "option" and not one.hidden]
    parts = [f"### {name}", "\n\n".join(map(_escaped, _paragraphs(command)))]
    if options:
        parts.append("\n".join(["| option | does |", "|---|---|", *options]))
    return "\n\n".join(parts)


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return f"| {names} | {_escaped(option.help or '')}{_default(option)} |"


def _default(option: Any) -> str:
    if option.is_flag or option.default in (None, "") or callable(option.default):
        return ""
    return f" Default: `{option.default:g}`." if isinstance(option.default, float) else f" Default: `{option.default}`."


def _paragraphs(command: Command) -> list[str]:
    text = (command.help or "").strip()
    return [re.sub(r"\s*\n\s*", " ", part) for part in re.split(r"\n\s*\n", text)] or [""]


def _escaped(text: str) -> str:
    """Outside of code, a bar would end a cell."""
    return re.sub(r"\|", r"\\|", text)
