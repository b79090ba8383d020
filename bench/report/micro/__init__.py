"""Microbenchmarks as a page and a chapter: tables of times and counts, plots, advice on singletons."""
