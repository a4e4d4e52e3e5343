//! Steps, and one loop: the only layer that acts on a plan.

pub mod backoff;
