"""Who may enter Postgres: an address or its parts, a password from where it is kept, a connection that is closed."""
