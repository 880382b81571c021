"""How a published file is read: inspected byte by byte, framed into records, parsed, never trusted alone."""
