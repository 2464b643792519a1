"""What operators ask and do: what stands how, why something is not there, and what is done about it."""
