"""Microsoft Dynamics 365 Sales for Wherry. What it is stands in ``plugin``."""
