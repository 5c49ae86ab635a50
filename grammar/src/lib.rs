//! The pest grammar of the .ein language.
