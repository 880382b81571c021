"""Who may enter: sources and credentials, as live clients that are closed even on error."""
