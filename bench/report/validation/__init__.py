"""From a folder of observations to a table, a picture, a page and the documentation's page of validity."""
