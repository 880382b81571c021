"""What is proven of the lake's stores, and on what: the table in docs/stores.md, made from the kits.

After a change: `python -m taxi_platform_tests.io_managers.objects.proofs` prints the new one.
"""

from __future__ import annotations

from taxi_platform_tests.io_managers.kits import KITS

CREATED_ONCE = "an object is created once, in one step"
ONE_WINS = "of several who swap a manifest at once one wins"
KILLED = "a load that is killed leaves a whole month"
LOST_ANSWER = "an answer that was lost is known as our own success"
CUT = "an upload or download that was cut is taken up where it was"
OTHER_BYTES = "bytes that changed on the way are refused"
REFUSALS = "a busy server is asked again, a refusal is one sentence"
WHO_ASKS = "credentials and rights are looked at"
REGION = "a bucket in another region is said to be so"

PROMISES = (CREATED_ONCE, ONE_WINS, KILLED, LOST_ANSWER, CUT, OTHER_BYTES, REFUSALS, WHO_ASKS, REGION)
STORES = {
    "folder": "a real file system",
    "gcs": "our emulator",
    "s3": "moto",
    "azure": "Azurite",
    "gcs-real": "Google",
}
"""The lake's stores by the names of their kits, and what their tests run on."""

ON_A_LINE = (LOST_ANSWER, CUT, OTHER_BYTES, REFUSALS, WHO_ASKS, REGION)
"""What a folder has no use for."""

PLAYED = (LOST_ANSWER, CUT, OTHER_BYTES, REFUSALS, REGION)
"""What needs a server that does something wrong, which nobody can ask Google for."""


def cell(store: str, promise: str) -> str:
    if promise in KITS[store].unproven:
        return f"**unproven**: {KITS[store].unproven[promise]}"
    if (store == "folder" and promise in ON_A_LINE) or (KITS[store].is_real and promise in PLAYED):
        return ""
    if promise == REGION:  # Google has one address for all regions, an account of Azure has one of its own
        return "not needed"
    return STORES[store]


def table() -> str:
    """Promises by stores, as Markdown."""
    rows = [["", *STORES], ["---"] * (1 + len(STORES))]
    rows += [[promise, *(cell(store, promise) for store in STORES)] for promise in PROMISES]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") for row in rows)


if __name__ == "__main__":
    print(table())
