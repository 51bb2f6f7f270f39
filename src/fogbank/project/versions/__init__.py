"""Versions of a package: kept, published, fetched, promoted, and gone back to."""
