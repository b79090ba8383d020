"""Types shared by measuring and analysis: a cell, a record, a run's ``run.json`` and its folder."""
