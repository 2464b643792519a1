"""Field maps as JSONata expressions."""
