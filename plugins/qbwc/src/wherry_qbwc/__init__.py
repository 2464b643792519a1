"""QuickBooks Desktop for Wherry: the target that calls us, by Intuit's Web Connector."""
