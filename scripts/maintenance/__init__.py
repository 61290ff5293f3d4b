"""Maintenance scripts for administrators. Each parses, calls `syncd` and prints; see scripts/README.md."""
