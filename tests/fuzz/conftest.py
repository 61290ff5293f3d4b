"""Commands run here as in the tests of the command line."""

from tests.cli.conftest import bare, cli

__all__ = ["bare", "cli"]
