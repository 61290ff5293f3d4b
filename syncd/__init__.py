"""The engine of syncd: keeps EspoCRM and Advoware the same."""
