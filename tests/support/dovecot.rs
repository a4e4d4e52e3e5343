//! Support: dovecot.
