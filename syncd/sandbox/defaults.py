"""Invented names, keys and passwords of the stand-in servers. None of them opens anything real."""

ESPO_URL = "http://espocrm.sandbox"
ESPO_API_URL = f"{ESPO_URL}/api/v1"
ADVOWARE_URL = "http://127.0.0.2/"  # this machine, or nobody would be sent there without TLS

API_USER = "sync_api"
API_KEY = "sandbox-espocrm-api-key-0000"
ADMIN_USER = "admin"
ADMIN_PASSWORD = "sandbox-admin-password"
CLERKS = ("anna", "bernd")
CLERK_PASSWORD = "sandbox-clerk-password"

ADVOWARE_APP_ID = "sandbox-app"
ADVOWARE_API_KEY = "c2FuZGJveC1hZHZvd2FyZS1rZXk="  # base64 of "sandbox-advoware-key"
ADVOWARE_KANZLEI = "sandbox-kanzlei"
ADVOWARE_DATABASE = "sandbox-db"
ADVOWARE_USER = "syncd"
ADVOWARE_PASSWORD = "sandbox-advoware-password"
ADVOWARE_ROLE = 2
ADVOWARE_PRODUCT = 64

ADVOWARE_PEOPLE = ("AB", "CD")
"""Kürzel of people who work in Advoware."""

APP_TIMESTAMP = "1795167490"
"""X-App-Timestamp: the install time, a constant and no clock (espocrm.md §1)."""
