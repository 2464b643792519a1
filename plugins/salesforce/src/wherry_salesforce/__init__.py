"""Salesforce for Wherry. What it is stands in ``plugin``."""
