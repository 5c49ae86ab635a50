//! What is told to the user. No message has a number of an operand or of a key in it.

use ein_ir::diagnostic::Diagnostic;

/// An operand whose numbers have no known bound.
pub(crate) fn no_bound(name: &str) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("nothing bounds the numbers of `{name}`"))
        .help(format!("say how large they get, as in `--bound {name}=100`"))
}

/// A bound that is none.
pub(crate) fn bad_bound(name: &str) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("the bound of `{name}` is not a positive number"))
        .help(format!("the largest absolute value that an element has, as in `--bound {name}=100`"))
}

/// A bound of a name that the program does not have.
pub(crate) fn unknown_bound(name: &str, known: &[&str]) -> Diagnostic {
    let known = if known.is_empty() { "no tensors".to_owned() } else { format!("`{}`", known.join("`, `")) };
    Diagnostic::error(720, "he-bound", format!("a bound for `{name}`, but the program has {known}")).help("leave this bound out")
}

/// An element of an operand is larger than was said.
#[cfg(feature = "bfv")]
pub(crate) fn beyond_bound(name: &str, position: usize, bound: f64) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("element {position} of `{name}` is beyond its bound {bound}"))
        .note("the keys were made for results of numbers within the bounds; larger ones would come out wrong")
        .help(format!("make the keys with a larger `--bound {name}=…`"))
}

/// An element of an operand without a sign is 2^63 or more, and a result is real.
#[cfg(feature = "bfv")]
pub(crate) fn beyond_signed(place: &str) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("`{place}` is 2^63 or more, and a result of the program is no integer"))
        .note("a ciphertext holds it as the number that is 2^64 less: the same to integers of 64 bits, another one to reals")
        .help("give numbers below 2^63, or declare the operand f64")
}

/// An element of an operand is infinite, or NaN.
#[cfg(feature = "bfv")]
pub(crate) fn not_finite(place: &str) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("`{place}` is not a finite number, and no integer stands for it"))
        .help("give finite numbers: where they come from, something was divided by zero or grew too large")
}

/// An element of an operand is outside of what the program states of it.
#[cfg(feature = "bfv")]
pub(crate) fn outside_range(place: &str, (lo, hi): (f64, f64)) -> Diagnostic {
    Diagnostic::error(918, "value-out-of-range", format!("`{place}` is outside of {lo}..{hi}, where its values are stated to be"))
        .note("the keys were made for results of numbers in that range; of others they would come out wrong")
        .help("give values in the range, or state a wider one and make keys anew")
}

/// Results with more bits than plaintext moduli together have.
pub(crate) fn too_large(name: &str, bits: u32, most: u32) -> Diagnostic {
    Diagnostic::error(720, "he-bound", format!("`{name}` may need {bits} bits, but a number of its type has {most}"))
        .help("lower the bounds of the operands, or the bits of fractions")
}

/// No ring leaves enough of the modulus after the noise of the program.
pub(crate) fn too_deep(depth: usize, bits: u32, degree: usize, modulus_bits: u32) -> Diagnostic {
    let message = format!("{depth} products in a row of numbers of {bits} bits leave nothing of a modulus of {modulus_bits} bits");
    Diagnostic::error(711, "he-depth", message)
        .note(format!("that is the largest modulus with 128 bits of security in the largest ring, of degree {degree}"))
        .help("lower the bounds of the operands, or split the program in two")
}

/// Bootstrappings.
pub(crate) fn bootstraps() -> Diagnostic {
    Diagnostic::error(711, "he-depth", "the program bootstraps, and exact integers have no levels that it could give back")
        .note("keys are made with a modulus that is large enough for the noise of the whole program")
        .help("plan it without `--bootstrap`")
}

/// More slots than a ring has.
pub(crate) fn too_many_slots(slots: u32, most: u32) -> Diagnostic {
    Diagnostic::error(719, "he-security", format!("{slots} slots, but the largest ring has {most}"))
        .help(format!("plan for ciphertexts of {most} slots or fewer"))
}

/// A type that has no exact residues.
pub(crate) fn dtype(name: &str, dtype: &str) -> Diagnostic {
    Diagnostic::error(716, "he-dtype", format!("`{name}` is of type {dtype}, which integers cannot stand for"))
        .help("use an integer type, or f32 or f64 with bits for fractions")
}

/// Reals without a number of bits for their fractions, or with too many.
pub(crate) fn no_fraction(name: &str) -> Diagnostic {
    Diagnostic::error(716, "he-dtype", format!("`{name}` holds reals, and this scheme computes with integers"))
        .help("say how many bits their fractions get, as in `--fraction-bits 12`")
}

/// A constant with a fraction, or too many elements.
pub(crate) fn not_computable(reason: &str) -> Diagnostic {
    Diagnostic::error(716, "he-dtype", format!("this program cannot be carried out on integers: {reason}"))
        .help("use smaller numbers, or f32 or f64 with bits for fractions")
}

/// More elements than are taken at once.
pub(crate) fn too_many_elements(name: &str, elements: u64, most: u64) -> Diagnostic {
    Diagnostic::error(715, "he-memory", format!("`{name}` brings the elements of the tensors to {elements}, more than {most}"))
        .help("give its largest operand in parts, each to a program of its own")
}

/// More memory than may be used, or than there is.
#[cfg(feature = "bfv")]
pub(crate) fn too_much_memory(doing: &str, needed: u64, limit: u64) -> Diagnostic {
    Diagnostic::error(715, "he-memory", format!("{doing} takes about {} of memory, more than {}", bytes(needed), bytes(limit)))
        .note("that is for one plaintext modulus: a ring with its tables, its keys, and the ciphertexts of the program")
        .help("allow more with `--memory`, plan with a `--key-budget`, or with fewer products in a row")
}

/// Bytes in words.
#[cfg(feature = "bfv")]
#[must_use]
pub fn bytes(n: u64) -> String {
    if n >= 10 << 30 { format!("{} GiB", n >> 30) } else { format!("{} MiB", n.div_ceil(1 << 20)) }
}

/// Bytes that are not what they should be.
#[cfg(feature = "bfv")]
pub(crate) fn malformed(what: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(931, "he-malformed", format!("not {what}: {reason}")).help("transfer or make the file again")
}

/// Good bytes of another program, or made with other options.
#[cfg(feature = "bfv")]
pub(crate) fn other_program(what: &str) -> Diagnostic {
    Diagnostic::error(932, "he-mismatch", format!("this is {what} of another program, or made with other bounds"))
        .help("keys, ciphertexts and the manifest must come from the same `ein he keygen`")
}

/// Good bytes of the same program, under the keys of another time that they were made.
#[cfg(feature = "bfv")]
pub(crate) fn other_pair(what: &str) -> Diagnostic {
    Diagnostic::error(932, "he-mismatch", format!("{what} are of different key pairs: keys of this program were made more than once"))
        .help("keys, ciphertexts and the manifest must come from the same `ein he keygen`")
}

/// Another part in the clear than the keys were made with.
#[cfg(feature = "bfv")]
#[must_use]
pub fn other_clear(is_there: bool) -> Diagnostic {
    let what = if is_there { "what is computed in the clear is of another program" } else { "what is computed in the clear is missing" };
    Diagnostic::error(932, "he-mismatch", format!("{what}: clear.tir is not what the manifest was made with"))
        .help("keys, ciphertexts, the manifest and clear.tir must come from the same `ein he keygen`")
}

/// What the scheme's library refuses.
#[cfg(feature = "bfv")]
pub(crate) fn scheme(doing: &str) -> Diagnostic {
    // The library's own words are left out: they may quote what it was given.
    Diagnostic::error(933, "he-damaged", format!("cannot {doing}: the keys or ciphertexts do not fit together"))
        .help("use keys and ciphertexts of one `ein he keygen`, as they were written")
}

/// A result that no run of the program has.
#[cfg(feature = "bfv")]
pub(crate) fn damaged(name: &str) -> Diagnostic {
    Diagnostic::error(933, "he-damaged", format!("`{name}` cannot be decrypted: its ciphertexts were damaged, or are under another key"))
        .help("decrypt with the secret key whose public key encrypted the inputs, and let the program run again")
}

/// Operands of other numbers or shapes.
#[cfg(feature = "bfv")]
pub(crate) fn operands(message: String) -> Diagnostic {
    Diagnostic::error(934, "he-operands", message).help("give the operands of the program that the keys were made for")
}
