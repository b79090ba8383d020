"""Histograms with constant relative error, and their encoding as text."""
