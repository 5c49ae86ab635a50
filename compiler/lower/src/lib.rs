//! From a plan to kernel IR.
