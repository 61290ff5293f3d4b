"""How to talk to ONE remote system over HTTP. Knows requests and answers.

Knows no entity, no ledger, no queue, no Redis.
"""
