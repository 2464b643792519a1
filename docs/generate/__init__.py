"""The generators of the reference, one page each."""
