"""`syncd serve` and `syncd run`."""

from __future__ import annotations

from typing import Annotated

import typer

import config
from syncd.cli import output
from syncd.cli.output import Code


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(serve)
    app.command()(run)


def serve(
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Jobs at the same time (SYNCD_WORKERS).")] = None,
    no_intake: Annotated[bool, typer.Option("--no-intake", help="No HTTP listener: webhooks, API, health.")] = False,
    no_discovery: Annotated[
        bool, typer.Option("--no-discovery", help="Do not look for changes; work on what others find.")
    ] = False,
) -> int:
    """Run the daemon: webhooks, discovery and workers in one process.

    SIGTERM finishes the running jobs (30 s at most), SIGHUP reads syncd.toml and the log level anew.

    Example: `syncd serve --workers 4`
    """
    import uvloop

    from syncd.daemon import Wishes
    from syncd.daemon import serve as serve_until_stopped

    settings = output.settings()
    output.full_logs(settings)
    mapping = output.mapping(settings)
    if workers is not None:
        settings = settings.model_copy(update={"syncd_workers": workers})
    listener = None
    if not no_intake:
        from syncd.listener import listen

        listener = listen(settings.syncd_http_host, settings.syncd_http_port)

    def reload() -> config.Mapping:
        read = config.load()
        again = output.mapping(read)
        output.full_logs(read)
        return again

    wishes = Wishes(listener, not no_discovery, reload)
    uvloop.run(serve_until_stopped(settings, mapping, wishes))
    return Code.DONE


def run(
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", min=0.1, help="Stop after so long; the rest waits for the next run.")
    ] = 3600.0,
    as_json: output.AsJson = False,
) -> int:
    """One pass, as for a timer: poll, look round, work until nothing is due, report.

    May run beside a daemon. Exit code 1 if something failed or waits for a person.

    Example: `syncd run --max-seconds 240`
    """
    from syncd.cli.progress import bar
    from syncd.passes import one_pass
    from syncd.runtime import opened

    settings = output.settings()
    output.full_logs(settings)
    mapping = output.mapping(settings)

    async def passing() -> int:
        async with opened(settings, mapping) as runtime:
            with bar("working") as progress:
                report = await one_pass(runtime.app, max_seconds, progress)
        if as_json:
            output.show_json(report)
        else:
            for line in report.lines():
                output.say(line)
        return Code.OPEN if report.open else Code.DONE

    return output.work(passing())
