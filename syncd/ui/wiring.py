"""What a daemon hands to its pages. The only module here that knows a daemon's parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from mappers.spec import Entity
from syncd import __version__, asking
from syncd.health import Health
from syncd.intake import tell
from syncd.runtime import Runtime
from syncd.ui.deps import Deps, Peers


def pages_of(
    runtime: Runtime, entities: Mapping[str, Entity], health: Health, peers: Peers, budgets: Mapping[str, int]
) -> Deps:
    """The parts of this daemon the pages need."""
    settings, parts = runtime.app.settings, runtime.app.parts

    async def ring(keys: Iterable[str]) -> None:
        await tell(runtime.queue.add_all, keys)

    return Deps(
        ledger=runtime.ledger,
        entities=entities,
        tell=ring,
        throttle=parts.shared.throttle,
        users={name: told.get_secret_value() for name, told in settings.syncd_ui_users.items()},
        api_token=settings.syncd_api_token.get_secret_value(),
        public_url=settings.public_url,
        espo_url=settings.espocrm_api_base_url.removesuffix("/api/v1"),
        language=settings.syncd_language,
        version=__version__,
        now=runtime.clock.now,
        new_id=parts.new_id,
        peers=peers,
        budgets=budgets,
        preview=partial(asking.preview, runtime.app.contexts),
        sides=partial(asking.each_side, runtime.app.contexts),
        reasons=health.why,
        stopping=lambda: health.stopping,
    )
