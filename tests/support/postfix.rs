//! Support: postfix.
