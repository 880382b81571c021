"""What `taxi doctor` looks at. Every check is contained: it says what is wrong, and nothing else stops for it."""
