"""One file per revision; each names the one before it."""
