"""Tells a script as a story people can read, a line for each event, and what was wrong in the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulation.script import AUTUMN_NIGHT, SPRING_NIGHT, Event, Script
from tests.simulation.witness import ADVOWARE, ESPO, FIELDS

SYSTEMS = {ESPO: "EspoCRM", ADVOWARE: "Advoware"}
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\w*\d[\w.]*|\b(" + "|".join(FIELDS) + r")\b")
NIGHTS = {AUTUMN_NIGHT: "in the night clocks go back", SPRING_NIGHT: "in the night clocks go forward"}


def story(script: Script, wrong: tuple[str, ...] = ()) -> str:
    """The whole story; times in seconds."""
    lines = [_scene(script)]
    lines += [f"{event.at:7.3f}  {sentence(event)}" for event in script.events]
    lines += [f"     ->  {line}" for line in wrong]
    return "\n".join(lines)


def kinds(wrong: Iterable[str]) -> frozenset[str]:
    """Violations without what differs from world to world: values, times, and who it happened to."""
    return frozenset(_PARTICULAR.sub("…", line) for line in wrong)


def _scene(script: Script) -> str:
    parts = [f"{script.persons} known to both systems", f"{len(script.daemons)} daemons"]
    parts.append(f"requests take up to {script.latency:g} s each way")
    if any(script.daemons) or any(script.skew.values()):
        parts.append(f"clocks wrong by {list(script.daemons)} s (daemons), {dict(script.skew)} s (systems)")
    if script.start in NIGHTS:
        parts.append(NIGHTS[script.start])
    parts += [f"{name}={value}" for name, value in script.settings.items()]
    if not script.optimistic:
        parts.append("EspoCRM counts no versions")
    return f"{script.profile} {script.seed}: " + "; ".join(parts)


def sentence(event: Event) -> str:
    """What happens, in words."""
    args = event.args
    whose = f"of person {args['person']}" if "person" in args else ""
    match event.do:
        case "type":
            return f"somebody types {args['value']!r} into {args['field']} {whose} in {SYSTEMS[args['side']]}"
        case "number":
            return f"somebody edits the numbers {whose} in {SYSTEMS[args['side']]} (dice {args['dice']})"
        case "fault" if "act" in args["rule"]:
            rule = args["rule"]
            when = "just before" if rule["kind"] == "edit_before" else "just after"
            nth = f"number {rule['after'] + 1}"
            act = sentence(Event(**rule["act"]))
            return f"{when} the next {rule['method']} to {SYSTEMS[rule['system']]} ({nth}): {act}"
        case "fault":
            return f"from now on in {SYSTEMS[args['rule']['system']]}: {_plain(args['rule'])}"
        case "kill":
            return f"daemon {args['daemon']} dies after {args['effects']} effects, and is back {args['down']:g} s later"
        case "pause":
            return f"daemon {args['daemon']} is stopped after {args['effects']} effects, for {args['seconds']:g} s"
        case "down":
            return f"{SYSTEMS[args['system']]} is away for {args['seconds']:g} s"
        case "redis":
            return f"Redis is away for {args['seconds']:g} s"
        case "flush":
            return "Redis forgets everything"
        case "lose_ledger":
            return "all daemons die, the ledger is lost, they start again"
        case "hold":
            return f"a person pauses {SYSTEMS.get(args['side'], 'everything')} for {args['seconds']:g} s"
        case "exclude":
            return f"a person excludes the record {whose} for {args['seconds']:g} s"
        case "retry" | "undo" | "answer":
            return f"a person at the terminal: {event.do} {whose}"
        case "backup":
            return "both systems are backed up"
        case "go_back":
            return f"{SYSTEMS[args['side']]} is as in the backup; {SYSTEMS[args['right']]} is said to be right"
        case _:
            return f"{event.do}: {_plain(args)}"


def _plain(args: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in args.items() if name != "system")
