"""`syncd doctor`: looks at an installation from outside and says for each finding what to do.

`examine` puts the parts together. Nothing here writes anywhere, but for `probe`, which is asked for by name.
"""
