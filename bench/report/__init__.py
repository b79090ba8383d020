"""Output of numbers and sentences: terminal, plots, pages."""
