//! Tests of the ledger boundary.
