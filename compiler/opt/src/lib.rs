//! From typed tensor IR to a plan.
