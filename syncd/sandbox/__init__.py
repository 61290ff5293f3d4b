"""Stand-in EspoCRM and Advoware servers that behave as the real ones were observed to.

For the demo, the tests and the benchmarks. Knows nothing of the engine, the mappers or the clients: it may
not learn from the code it is there to judge.
"""

from syncd.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
