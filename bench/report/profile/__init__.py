"""Profiles as timelines, flame graphs, exports and a chapter of a page."""
