"""From sentences and numbers to bytes: terminal, plots, pages."""
