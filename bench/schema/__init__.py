"""The types that measuring and analysing share: a cell, a record, a run's ``run.json`` and its folder."""
