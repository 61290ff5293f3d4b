"""The pages people look at and decide on, under `/ui/`.

They are an application of their own, mounted by `syncd.api`. They know `inspect` (facts), `commands` (requests) and how
to show both; no SQL, no engine, no other system. How a page is made: docs/DASHBOARD.md.
"""
