//! From .ein source text to typed tensor IR.
