//! Support: tls.
