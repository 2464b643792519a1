"""Acme Warehouse for Wherry."""
