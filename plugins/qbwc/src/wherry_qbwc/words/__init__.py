"""qbXML, the language of QuickBooks Desktop: what is said to it, and what it answers."""
