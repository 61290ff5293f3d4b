"""Records in a real browser: one is looked for and found, looked at by everybody, watched, and a change taken back."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from playwright.async_api import ViewportSize, expect

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.ledger import people
from syncd.ledger.schema import bases, history, pairs, quarantine, work
from syncd.listed import Known, Listed
from syncd.sides import Answer, Shown, Sides
from tests.browser.conftest import Site
from tests.browser.rig import DESK, PATIENCE, PHONE, barriers, picture, too_wide
from tests.ui.test_record import KEY, base, change, fill
from tests.ui.test_records import know, pair

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], str]] = [
    (DESK, "light", "de"),
    (DESK, "dark", "en"),
    (PHONE, "light", "en"),
    (PHONE, "dark", "de"),
]
IDA = {"name": "Müller-Lüdenscheidt", "vorname": "Ida", "anrede": "Frau", "titel": "Dr.", "geburtsdatum": "1980-05-17"}


async def ida(site: Site) -> None:
    """A record with everything there can be on its page, among others."""
    pages, now = site.pages, site.pages.at
    await know(
        pages,
        pair(1, IDA["name"], "Ida", status="conflict", checked_at=now - 400, changed_at=now - 60),
        *(pair(100 + number, f"Müller-{number}", changed_at=now - 3600 * number) for number in range(55)),
    )
    phone = {"phoneNumber": "+4951112345", "type": "Mobile", "primary": True}
    entry = {"id": 7, "tlf": "0511 / 12345", "bemerkung": "abends, nur privat", "kommKz": 3, "online": True}
    slot = {"id": 8, "tlf": "", "bemerkung": "[ESPOCRM-SLOT:1]", "kommKz": 1, "online": False}
    agreed = [
        base(name, value, BETEILIGTE.field(name).codec.render(Side.ADVOWARE, value)) for name, value in IDA.items()
    ]
    await fill(pages, bases, *agreed, base("kommunikation:7", phone, entry), base("kommunikation:8", None, slot))
    await fill(
        pages, history,
        change(1, at=now - 90_000, before="Müller", after=IDA["name"], field="name", who="advoware:AB", side="espocrm"),
        change(2, at=now - 4000, cause="sweep"),
        change(3, at=now - 600, field="kommunikation:7", before=None, after=entry, who="page:anna"),
        change(4, at=now - 500, field=None, why="failed:2", side=None, who=None, after=None),
    )  # fmt: skip
    values = {"espo": "Rechtsanwältin", "advoware": "RAin", "base": None, "opened_at": now - 300}
    await pages.ledger.write(people.raise_conflict, "c77", KEY, "zusatz", "manual", values)
    refused = {"key": KEY, "side": "espocrm", "field": "rechtsform", "value": "Sonstige", "reason": "valid", "at": now}
    await fill(pages, quarantine, refused)
    planned = {"key": KEY, "gen": 1, "lane": 1, "cause": "sweep", "due_at": now + 600, "since": now, "held": None}
    await fill(pages, work, planned)
    show(site, IDA | {"zusatz": "Rechtsanwältin"}, IDA | {"zusatz": "RAin"})


def show(site: Site, espo: dict[str, Any], advoware: dict[str, Any]) -> None:
    """What both systems answer from now on."""
    mine = {"value": "0511 12345", "kind": "Mobile", "main": True}
    theirs = {**mine, "value": "0511 / 12345", "sure": True, "marked": True, "remark": "abends, nur privat"}
    entries = (
        Listed("kommunikation", "kommunikation:7", Known.LINKED, mine, theirs, None, {}),
        Listed("kommunikation", "kommunikation:8", Known.SLOT, None, {**theirs, "value": "", "remark": ""}, None, {}),
    )

    async def look(_: str) -> Sides:
        return Sides(Shown(Answer.SHOWN, "", espo), Shown(Answer.SHOWN, "", advoware), entries)

    site.pages.sides = look


@pytest.mark.parametrize(("viewport", "scheme", "language"), LOOKS)
async def test_list_record_and_undo_are_read_by_everybody(
    site: Site, viewport: ViewportSize, scheme: Literal["light", "dark"], language: str
) -> None:
    await ida(site)
    page = await site.person(viewport, scheme, language)
    name = f"{viewport['width']}-{scheme}-{language}"
    for what, address in (("records", "/ui/records?q=müller"), ("record", f"/ui/records/{KEY}"), ("undo", None)):
        await page.goto(address or f"/ui/records/{KEY}/undo/2")
        if what == "record":
            await expect(page.locator("#fields")).to_contain_text("RAin", timeout=PATIENCE)
        assert await barriers(page) == [], what
        assert await too_wide(page) == 0, what
        await picture(page, f"{what}-{name}")


async def test_a_record_is_found_while_its_name_is_typed_and_opened_by_keyboard(site: Site) -> None:
    await ida(site)
    page = await site.person()
    await page.get_by_role("link", name="Datensätze", exact=True).first.press("Enter")
    await page.get_by_role("searchbox").press_sequentially("lued ida")
    await expect(page.locator("#found [role=status]")).to_have_text("1 Datensatz", timeout=PATIENCE)
    await page.wait_for_url("**q=lued*")
    await page.get_by_role("link", name="Müller-Lüdenscheidt, Ida").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Müller-Lüdenscheidt, Ida")
    await page.go_back()
    await expect(page.locator("#found [role=status]")).to_have_text("1 Datensatz")


async def test_a_change_arrives_while_its_record_is_looked_at_and_is_taken_back(site: Site) -> None:
    await ida(site)
    page = await site.person()
    await page.goto(f"/ui/records/{KEY}")
    await expect(page.locator("#fields")).to_contain_text("Dr.", timeout=PATIENCE)
    show(site, IDA | {"titel": "Prof. Dr."}, IDA | {"titel": "Prof. Dr."})
    await site.pages.ledger.write(_arrives, site.pages.at)
    await expect(page.locator("#happened")).to_contain_text("Prof. Dr.", timeout=PATIENCE)
    await expect(page.locator("#fields")).to_contain_text("Prof. Dr.", timeout=PATIENCE)
    await page.get_by_role("link", name="Zurücknehmen: Titel").first.click()
    await expect(page.locator("dl.values dd")).to_have_text(["Prof. Dr.", "Dr."])
    await page.get_by_role("button", name="Jetzt zurücknehmen").click()
    await expect(page.locator(".notice.good")).to_contain_text("Wird zurückgenommen")
    await expect(page.locator("#waits")).to_contain_text("Titel: entschieden")
    assert site.pages.told == [KEY]


def _arrives(conn: Any, now: float) -> None:
    """A job has brought a new title."""
    title = (bases.c.key == KEY) & (bases.c.field == "titel")
    conn.execute(bases.update().where(title).values(espo="Prof. Dr.", advoware="Prof. Dr."))
    conn.execute(history.insert(), [change(9, at=now, before="Dr.", after="Prof. Dr.")])
    conn.execute(pairs.update().where(pairs.c.key == KEY).values(changed_at=now))


async def test_without_scripts_everything_is_there(site: Site) -> None:
    await ida(site)
    signed_in = await site.person()
    cookies = await signed_in.context.cookies()
    context = await site.browser.new_context(base_url=site.address, java_script_enabled=False)
    await context.add_cookies(cookies)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto("/ui/records")
    await page.get_by_role("searchbox").fill("lued ida")
    await page.get_by_role("searchbox").press("Enter")
    await page.get_by_role("link", name="Müller-Lüdenscheidt, Ida").click()
    await page.get_by_role("link", name="Beide Seiten jetzt lesen").click()
    await expect(page.locator("#fields")).to_contain_text("RAin")
    await page.get_by_role("button", name="Jetzt abgleichen").click()
    await expect(page.locator(".notice.good")).to_have_text("Wird abgeglichen.")
