"""The ledger: the SQL store of all that is remembered. The only package that knows SQL.

Functions take an open connection and run inside one transaction; `store.Ledger` decides where.
"""
