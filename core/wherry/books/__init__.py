"""The books: movements taken in, grouped into balanced journal entries, posted once, tied out against the target."""
