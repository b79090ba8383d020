"""Profiles as pictures, flame graphs, exports and a chapter of a page."""
