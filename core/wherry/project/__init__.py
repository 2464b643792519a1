"""From a project file to what runs: folders and tables, flows with their lanes, and the wiring of plugins."""
