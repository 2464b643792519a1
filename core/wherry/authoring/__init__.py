"""For authors of plugins: a new plugin from templates, the quality scale, sessions on record."""
