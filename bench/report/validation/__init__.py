"""Output of a validation: a table, a plot, a page and the documentation's page on validity."""
