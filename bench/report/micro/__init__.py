"""Microbenchmarks as a page and a chapter: tables of times and facts, plots, advice on singletons."""
