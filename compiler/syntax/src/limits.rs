//! Every limit on programs, in one place.
//!
//! The limits keep hostile or generated text from exhausting memory or the stack. All are E0108.

/// Longest file, in bytes. Spans are 32 bits wide, and a parse needs about a hundred times the text.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// Deepest nesting of brackets, `if`, prefix operators and `^`, counted on the text before the recogniser runs.
///
/// The recogniser recurses about twenty frames for each level; 256 levels fit a thread of 2 MiB with room to spare.
pub const MAX_NESTING: usize = 256;

/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Most axes of a tensor in a `.ein` file. Classic einsum strings have no such limit.
pub const MAX_AXES: usize = 64;

/// Most generics of a def.
pub const MAX_GENERICS: usize = 1024;

/// Most items of a `where` clause.
pub const MAX_WHERES: usize = 4096;

/// Most parameters of a def, and most results.
pub const MAX_PARAMETERS: usize = 4096;

/// Most equations of a def.
pub const MAX_EQUATIONS: usize = 1 << 16;

/// Greatest degree of a polynomial that stands for a function.
pub const MAX_DEGREE: u32 = 255;

/// Most facts about sizes that proofs of bounds may use: those beyond are checked at entry like the rest, but prove nothing.
pub const MAX_FACTS: usize = 4096;

/// Most facts that one proof looks at, of those that have to do with what is to be proved: half of them the oldest, which
/// the header states, half the newest, such as guards.
pub const MAX_FACTS_OF_A_PROOF: usize = 64;

/// Deepest expression tree, in nodes from root to leaf; chains of left-associative operators count.
///
/// A recursive pass may therefore spend 4 KiB on a level within a thread of 2 MiB.
pub const MAX_TREE_DEPTH: u32 = 512;

/// Most calls that wait for each other while a program is checked: each is a recursion of the checker.
pub const MAX_CALL_DEPTH: usize = 64;

/// Most expression nodes that the calls and constants of a program may copy, all together. They are copied in where they stand, so
/// that one that uses another twice, which does the same, doubles with each level.
pub const MAX_COPIED_NODES: usize = 1 << 18;

/// Most terms and factors of a size as a polynomial.
pub const MAX_SIZE_WEIGHT: usize = 1024;

/// Deepest nesting of quotients and remainders in a size: every pass over sizes recurses into them.
pub const MAX_SIZE_NESTING: usize = 64;

/// Most mistakes that a check reports; each is shown with its part of the text.
pub const MAX_MISTAKES: usize = 100;

/// Most diagnostics of one parse; more would not help.
pub const MAX_DIAGNOSTICS: usize = 20;

/// Most files of one program.
pub const MAX_FILES: usize = 256;

/// Most text of all files of one program together, in bytes.
pub const MAX_PROGRAM_BYTES: usize = 64 << 20;
