"""From an EspoCRM nobody has set up to an edit that arrives by webhook: only commands an administrator types."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.sandbox import defaults
from tests.commands import Said, command
from tests.ports import free_port
from tests.process.conftest import QUICK, Daemon
from tests.systems import Systems, eventually, running_systems

ADMIN = {"ESPOCRM_ADMIN_USER": defaults.ADMIN_USER, "ESPOCRM_ADMIN_PASSWORD": defaults.ADMIN_PASSWORD}
NOT_YET = ("ESPOCRM_API_KEY",)  # made by setting up


def typed(settings: dict[str, str], *arguments: str) -> Said:
    """What a command without a terminal answers."""
    return command(settings, Path(settings["SYNCD_STATE_DIR"]), *arguments)


def by_webhook_alone(systems: Systems, redis_url: str, state: Path) -> dict[str, str]:
    """Settings of a daemon that neither polls nor looks round; EspoCRM's key is not among them yet."""
    never = dict.fromkeys(("SYNCD_POLL_SECONDS", "SYNCD_SWEEP_MIN_SECONDS", "SYNCD_SWEEP_MAX_SECONDS"), "3600")
    own = {"SYNCD_HTTP_PORT": str(free_port()), "REDIS_URL": redis_url, "SYNCD_STATE_DIR": str(state)}
    settings = {**systems.settings, **QUICK, **never, **own}
    return {name: value for name, value in settings.items() if name not in NOT_YET}


def test_set_up_twice_then_a_signed_webhook_carries_a_clerks_edit(redis_url: str, tmp_path: Path) -> None:
    state, key_file = tmp_path / "state", tmp_path / "key"
    state.mkdir(mode=0o700)
    with running_systems(bare="", webhook_seconds="0.5") as systems:
        settings = by_webhook_alone(systems, redis_url, state)
        here = f"http://127.0.0.1:{settings['SYNCD_HTTP_PORT']}"
        setting_up = ("setup", "espocrm", "--url", here, "--key-file", str(key_file))

        asked = typed(settings, *setting_up, "--yes")
        assert (asked.code, len(asked.err.splitlines())) == (2, 1), "nobody to ask who logs in"
        unasked = typed(settings | ADMIN, *setting_up)
        assert (unasked.code, len(unasked.err.splitlines())) == (2, 1), "nobody to ask whether to go on"
        assert not key_file.exists()

        made = typed(settings | ADMIN, *setting_up, "--yes")
        assert made.code == 0, made.err
        key = key_file.read_text().strip()
        assert (os.stat(key_file).st_mode & 0o777, key in made.out + made.err) == (0o600, False)
        settings["ESPOCRM_API_KEY"] = key
        again = typed(settings | ADMIN, "setup", "espocrm", "--url", here)
        assert (again.code, "nothing to do" in again.out) == (0, True), again.err

        number = systems.seed("only_advoware", 1)[0]
        name = systems.beteiligter(number)["name"]
        daemon = Daemon(tmp_path, settings).start().wait_ready()
        try:
            assert typed(settings, "webhooks", "check").code == 0
            assert typed(settings, "import", "--betnr", str(number)).code == 0
            shown = typed(settings, "show", f"betnr:{number}")
            espo_id = shown.out.split()[0].partition("/")[2]
            assert systems.espo(espo_id)["lastName"] == name
            systems.act("espocrm", "edit", record_id=espo_id, values={"titel": "Dr."})
            eventually("it arrives", lambda: systems.beteiligter(number)["titel"] == "Dr.")
            eventually("it shows", lambda: systems.espo(espo_id)["syncStatus"] == "clean")
            assert daemon.events("webhook.received")
            assert daemon.events("webhook.refused") == []
        finally:
            code = daemon.end()
        assert code == 0
