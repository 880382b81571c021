"""The words that stood for codes from 2009 to 2014, as data: each vendor wrote its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Words = Mapping[str, Mapping[int, Sequence[str]]]
"""By column and code, what CMT, VTS and DDS wrote (vendors 1, 2 and 3). An empty word is an empty field."""

VENDORS_WITH_WORDS = 3
UNKNOWN_PAYMENT = 7
"""Stands for a word that no dictionary has: a cleaner must keep it as it came."""

HELD_OR_NOT_IS_UNKNOWN = 2
"""The third value of a store-and-forward flag, where there is one."""


def _alike(word: str) -> Sequence[str]:
    return (word,) * VENDORS_WITH_WORDS


_VENDORS = {1: _alike("CMT"), 2: _alike("VTS"), 3: _alike("DDS")}

WORDS_2009: Words = {
    "vendor_id": _VENDORS,
    "store_and_fwd_flag": {0: ("0", "", ""), 1: ("1", "", ""), HELD_OR_NOT_IS_UNKNOWN: ("*", "", "")},
    "payment_type": {
        1: ("Credit", "Credit", "CREDIT"),
        2: ("Cash", "CASH", "CASH"),
        3: ("No Charge", "No Charge", "NO CHARGE"),
        4: ("Dispute", "Dispute", "DISPUTE"),
        5: ("UNKNOWN", "NA", "NA"),
        UNKNOWN_PAYMENT: _alike("Voucher"),
    },
}
WORDS_2010: Words = {
    **WORDS_2009,
    "payment_type": {
        1: ("CRE", "Cre", "CRE"),
        2: ("CAS", "CAS", "CAS"),
        3: ("NOC", "No ", "NOC"),
        4: ("DIS", "Dis", "DIS"),
        5: _alike("NA "),
        UNKNOWN_PAYMENT: _alike("VOU"),
    },
}
WORDS_2011: Words = {
    "vendor_id": _VENDORS,
    "store_and_fwd_flag": {0: ("N", "", ""), 1: ("Y", "", "")},
    "payment_type": {
        1: _alike("CRD"),
        2: _alike("CSH"),
        3: _alike("NOC"),
        4: _alike("DIS"),
        5: _alike("UNK"),
        UNKNOWN_PAYMENT: _alike("VOU"),
    },
}

# As pandas has a column of 0, 1 and nothing: as DOUBLE.
FLAGS_AS_NUMBERS: Words = {**WORDS_2009, "store_and_fwd_flag": {0: ("0", "", ""), 1: ("1", "", "")}}
