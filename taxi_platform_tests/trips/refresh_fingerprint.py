"""`python -m taxi_platform_tests.trips.refresh_fingerprint [--same-output]`: remember the cleaning code as it is."""

from __future__ import annotations

import argparse
import json
import sys

from taxi_platform_tests.trips import fingerprint


def main(arguments: list[str]) -> str:
    """Write the fingerprint and say so, or exit with the reason why not."""
    parser = argparse.ArgumentParser(prog=fingerprint.REFRESH)
    parser.add_argument("--same-output", action="store_true", help="no file can come out otherwise than before")
    same_output = parser.parse_args(arguments).same_output
    before, after = fingerprint.committed(), fingerprint.now()
    changed = fingerprint.changed_modules(before, after)
    if before == after:
        return "The fingerprint is up to date."
    if before["cleaning_version"] == after["cleaning_version"] and not same_output:
        names = ", ".join(changed)
        sys.exit(f"CLEANING_VERSION is still {after['cleaning_version']}, but changed: {names}.\n{fingerprint.ADVICE}")
    fingerprint.COMMITTED.write_text(json.dumps(after, indent=2) + "\n", "utf-8")
    return f"Remembered cleaning version {after['cleaning_version']}; changed: {', '.join(changed) or 'no code'}."


if __name__ == "__main__":
    print(main(sys.argv[1:]))
