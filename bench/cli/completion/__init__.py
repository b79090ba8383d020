"""Shell completion. This package is above all others: it may import any, and none imports it."""
