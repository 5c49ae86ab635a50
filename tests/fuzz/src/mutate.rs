//! Changes of inputs: of bytes, of numbers, of tokens, and of parts that other inputs have.

use ein_tests::generate;
use ein_tests::random::Random;

/// What a change may use.
pub struct Mutator<'a> {
    /// Where choices come from.
    pub random: &'a mut Random,
    /// Inputs so far.
    pub corpus: &'a [Vec<u8>],
}

/// No input grows beyond this, in bytes, except by [`repeat`].
const MAX_LEN: usize = 16 << 10;

/// Words that programs may have and a random change would not hit upon.
const WORDS: [&str; 96] = [
    "sum",
    "prod",
    "mean",
    "max",
    "min",
    "any",
    "all",
    "lse",
    "argmax",
    "argmin",
    "exp",
    "log",
    "sqrt",
    "cis",
    "conj",
    "real",
    "imag",
    "keep",
    "xor",
    "shl",
    "popcount",
    "pad",
    "clamp",
    "wrap",
    "reflect",
    "f32",
    "f64",
    "bf16",
    "f16",
    "i8",
    "i32",
    "i64",
    "u1",
    "u4",
    "u64",
    "bool",
    "c64",
    "c128",
    "idx<N>",
    "..b",
    "..B",
    "prev x",
    "prev",
    "scan t: N {",
    "scan reverse",
    "from 0.0",
    "fit",
    "where",
    "within rel 1e-3",
    "sym",
    "tri(lower)",
    "sparse(csr)",
    "lowrank(rank <= 4)",
    "secret",
    "public",
    "if",
    "then",
    "else",
    "and",
    "or",
    "not",
    "as f32",
    "as",
    "in 0..N",
    "..",
    "def",
    "const",
    "reducer",
    "dim",
    "use \"a.ein\";",
    "derive",
    "export",
    "hint",
    "int",
    "true",
    "nan",
    "inf",
    "pi",
    "|N|",
    "N",
    "M",
    "x",
    "y",
    "i",
    "j",
    "_",
    "i'",
    "top_k",
    "sort",
    "solve",
    "fft",
    "#",
    "\"",
    "\\",
    "é",
    "\u{0}",
];

/// Operators and brackets.
const MARKS: [&str; 34] = [
    "+", "-", "*", "/", "//", "%", "^", "==", "!=", "<", "<=", ">", ">=", "=", "+=", "->", "(", ")", "[", "]", "{", "}", ",", ";", ":",
    "|", "~", ".", "..", "!", "&&", "**", "\n", " ",
];

/// Numbers at which something ends.
const NUMBERS: [&str; 20] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "63",
    "64",
    "65",
    "255",
    "256",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e308",
    "1e-320",
    "0.5im",
];

const BITS: [u64; 16] =
    [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 62, i64::MAX as u64, u64::MAX];

/// A changed program.
pub fn text(m: &mut Mutator<'_>) -> Vec<u8> {
    if m.random.one_in(20) {
        return generate::program(m.random.bits()).source.into_bytes();
    }
    let mut input = m.random.pick(m.corpus);
    for _ in 0..1 + m.random.below(5) {
        input = match m.random.below(12) {
            0 => bytes(m, input),
            1 => splice(m, input),
            2 => repeat(m, &input),
            _ => token(m, &input),
        };
    }
    input
}

/// A changed file.
pub fn binary(m: &mut Mutator<'_>) -> Vec<u8> {
    let mut input = m.random.pick(m.corpus);
    for _ in 0..1 + m.random.below(6) {
        input = match m.random.below(8) {
            0 => splice(m, input),
            1 => {
                let len = m.random.below(input.len() + 1);
                input.truncate(len);
                input
            }
            2 => digits(m, input),
            _ => bytes(m, input),
        };
    }
    input
}

/// Pieces of a text: words, numbers, blanks and single marks.
fn tokens(input: &[u8]) -> Vec<&[u8]> {
    let class = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || b == b'_' || b == b'\'' => 1,
        b' ' | b'\n' => 2,
        _ => 0,
    };
    input.chunk_by(|a, b| class(*a) != 0 && class(*a) == class(*b)).collect()
}

fn word(m: &mut Mutator<'_>, own: &[&[u8]]) -> Vec<u8> {
    match m.random.below(6) {
        0 | 1 if !own.is_empty() => m.random.pick(own).to_vec(),
        2 => m.random.pick(&NUMBERS).into(),
        3 => m.random.pick(&MARKS).into(),
        _ => m.random.pick(&WORDS).into(),
    }
}

fn token(m: &mut Mutator<'_>, input: &[u8]) -> Vec<u8> {
    let tokens = tokens(input);
    let mut out: Vec<Vec<u8>> = tokens.iter().map(|t| t.to_vec()).collect();
    let at = m.random.below(out.len() + 1);
    let end = (at + 1 + m.random.below(6)).min(out.len());
    match m.random.below(6) {
        0 => drop(out.drain(at.min(end)..end)),
        1 => {
            let copied = out[at.min(end)..end].to_vec();
            let to = m.random.below(out.len() + 1);
            out.splice(to..to, copied);
        }
        2 if at < out.len() => {
            let other = m.random.below(out.len());
            out.swap(at, other);
        }
        3 | 4 if at < out.len() => out[at] = word(m, &tokens),
        _ => {
            let words = [b" ".to_vec(), word(m, &tokens), b" ".to_vec()];
            out.splice(at..at, words);
        }
    }
    let mut out = out.concat();
    out.truncate(MAX_LEN);
    out
}

fn bytes(m: &mut Mutator<'_>, mut input: Vec<u8>) -> Vec<u8> {
    if input.is_empty() {
        return vec![m.random.bits() as u8];
    }
    let at = m.random.below(input.len());
    match m.random.below(5) {
        0 => input[at] ^= 1 << m.random.below(8),
        1 => input[at] = m.random.bits() as u8,
        2 => input.insert(at, m.random.bits() as u8),
        3 => drop(input.remove(at)),
        _ => {
            let value = m.random.pick(&BITS).wrapping_add(m.random.below(3) as u64).wrapping_sub(1).to_le_bytes();
            let width = m.random.pick(&[1, 2, 4, 8]);
            for (to, from) in input[at..].iter_mut().zip(&value[..width]) {
                *to = *from;
            }
        }
    }
    input
}

/// Another number where one is written in digits.
fn digits(m: &mut Mutator<'_>, input: Vec<u8>) -> Vec<u8> {
    let runs: Vec<&[u8]> = input.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).collect();
    let numbers: Vec<usize> = (0..runs.len()).filter(|n| runs[*n].first().is_some_and(u8::is_ascii_digit)).collect();
    if numbers.is_empty() {
        return bytes(m, input);
    }
    let chosen = m.random.pick(&numbers);
    let number: Vec<u8> = m.random.pick(&NUMBERS).into();
    runs.iter().enumerate().flat_map(|(n, run)| if n == chosen { number.clone() } else { run.to_vec() }).collect()
}

/// The start of one input and the end of another.
fn splice(m: &mut Mutator<'_>, mut input: Vec<u8>) -> Vec<u8> {
    let other = m.random.pick(m.corpus);
    input.truncate(m.random.below(input.len() + 1));
    input.extend(&other[m.random.below(other.len() + 1)..]);
    input.truncate(MAX_LEN);
    input
}

/// A part of an input many times over: deep, long and wide texts.
fn repeat(m: &mut Mutator<'_>, input: &[u8]) -> Vec<u8> {
    let tokens = tokens(input);
    let at = m.random.below(tokens.len() + 1);
    let end = (at + 1 + m.random.below(5)).min(tokens.len());
    let times = m.random.pick(&[3, 17, 70, 300, 3000]);
    let part = tokens[at.min(end)..end].concat();
    [tokens[..at].concat(), part.repeat(times.min(100_000 / (part.len() + 1))), tokens[end.max(at)..].concat()].concat()
}
