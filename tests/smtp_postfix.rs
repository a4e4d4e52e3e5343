//! Tests of the smtp_postfix boundary.
