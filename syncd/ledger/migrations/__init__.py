"""The ledger's history of shapes: one file per revision in `versions`, run by `syncd.ledger.upgrade`.

A revision that has been released is never edited; a new shape is a new file. It must not use
`syncd.ledger.schema`, which only knows the shape of today.
"""
