"""The engine of syncd: keeps EspoCRM and Advoware the same."""

__version__ = "0.1.0"
