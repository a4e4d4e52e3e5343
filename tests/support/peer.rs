//! Support: peer.
