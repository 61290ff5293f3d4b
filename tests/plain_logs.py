"""How tests log where they set up nothing themselves: plainly.

structlog's own default draws a frame with all local variables around each exception where rich is installed: seconds
for each of a world's hundreds.
"""

from __future__ import annotations

import structlog


def restore() -> None:
    """Log as at the start of the tests."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
