"""`syncd setup espocrm`: what EspoCRM must have, what it has, the difference, and making it so.

`wanted` and `steps` are pure; `have` reads; `carry_out` writes. `run` puts them together.
"""
