//! The ein compiler: library and command line.
