//! The header of a `.npy` file: magic, version, and a Python dict literal.
//!
//! Our own reader: general readers of Python literals recurse on nested brackets, which a hostile file turns into a stack overflow, and
//! multiply shapes without a check.

use crate::element::is_packed;
use crate::tensor::packed_shape;
use crate::view::DimVec;
use ein_ir::dtype::DType;
use std::io::Read;

/// The first bytes of every `.npy` file.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// No header is longer: it holds a type of two letters and at most [`MAX_RANK`] numbers.
const MAX_HEADER: usize = 1 << 16;

/// numpy's own limit.
const MAX_RANK: usize = 64;

/// Header sizes are rounded up to this, in bytes, so that the elements are aligned in a mapped file.
const HEADER_ALIGN: usize = 64;

/// Digits for which numpy leaves room, so that the first axis can grow without moving the elements (`numpy/lib/format.py`).
const GROWTH_DIGITS: usize = 21;

/// The byte order of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) const NATIVE: ByteOrder = if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

    pub(super) fn is_native(self) -> bool {
        self == Self::NATIVE
    }
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dtype: DType,
    pub(super) order: ByteOrder,
    pub(super) fortran: bool,
    pub(super) shape: DimVec<usize>,
    /// Bytes before the elements.
    pub(super) len: usize,
}

/// Why a header cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// It is truncated or wrong.
    Malformed(String),
    /// It is right, but of elements that we do not have.
    UnsupportedDtype(String),
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, HeaderError> {
    Err(HeaderError::Malformed(reason.into()))
}

impl Header {
    /// Reads a header and leaves the reader at the first element.
    pub(super) fn read(reader: &mut dyn Read, raw: Option<DType>) -> Result<Self, HeaderError> {
        let mut start = [0; 8];
        read_exact(reader, &mut start)?;
        if !start.starts_with(MAGIC) {
            return malformed("it does not begin with the magic bytes of numpy");
        }
        let (before, len) = match start[6] {
            1 => {
                let mut len = [0; 2];
                read_exact(reader, &mut len)?;
                (10, usize::from(u16::from_le_bytes(len)))
            }
            2 | 3 => {
                let mut len = [0; 4];
                read_exact(reader, &mut len)?;
                (12, u32::from_le_bytes(len) as usize)
            }
            other => return malformed(format!("format version {other}.{} is not known", start[7])),
        };
        if len > MAX_HEADER {
            return malformed(format!("its header claims {len} bytes"));
        }
        let mut text = vec![0; len];
        read_exact(reader, &mut text)?;
        let Ok(text) = std::str::from_utf8(&text) else { return malformed("its header is not text") };
        Literal { text, at: 0, raw }.header(before + len)
    }

    /// The bytes of a row-major header, as numpy writes them; `None` if numpy has no such type.
    pub(super) fn write(dtype: DType, shape: &[usize]) -> Option<Vec<u8>> {
        // numpy has no packed types: their bytes are written.
        let (dtype, shape) = if is_packed(dtype) { (DType::U8, packed_shape(dtype, shape)) } else { (dtype, DimVec::from_slice(shape)) };
        let descr = descr_of(dtype)?;
        let axes = shape.iter().map(|n| format!("{n}, ")).collect::<String>();
        let axes = if shape.len() == 1 { axes.trim_end() } else { axes.strip_suffix(", ").unwrap_or(&axes) };
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}), }}");
        let growth = shape.first().map_or(0, |n| GROWTH_DIGITS.saturating_sub(n.to_string().len()));
        text.push_str(&" ".repeat(growth));
        let (version, before) = if text.len() + HEADER_ALIGN < usize::from(u16::MAX) { (1, 10) } else { (2, 12) };
        let padding = HEADER_ALIGN - (before + text.len() + 1) % HEADER_ALIGN;
        text.push_str(&" ".repeat(padding));
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((text.len() as u16).to_le_bytes()),
            _ => bytes.extend((text.len() as u32).to_le_bytes()),
        }
        bytes.extend(text.as_bytes());
        Some(bytes)
    }
}

fn read_exact(reader: &mut dyn Read, buf: &mut [u8]) -> Result<(), HeaderError> {
    reader.read_exact(buf).or_else(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => malformed("it ends within its header"),
        _ => malformed(format!("its header cannot be read: {e}")),
    })
}

/// numpy's spelling of a type, of this machine's byte order.
fn descr_of(dtype: DType) -> Option<String> {
    let kind = match dtype {
        DType::Bool => return Some("|b1".to_owned()),
        DType::I8 => return Some("|i1".to_owned()),
        DType::U8 => return Some("|u1".to_owned()),
        DType::I16 | DType::I32 | DType::I64 => 'i',
        DType::U16 | DType::U32 | DType::U64 => 'u',
        DType::F16 | DType::F32 | DType::F64 => 'f',
        DType::C64 | DType::C128 => 'c',
        // As the package `ml_dtypes` has numpy write them.
        DType::BF16 => 'V',
        DType::F8E4M3 => 'V',
        DType::F8E5M2 => 'f',
        DType::U1 | DType::U2 | DType::U4 | DType::I2 | DType::I4 | DType::Key => return None,
    };
    let order = if ByteOrder::NATIVE == ByteOrder::Little { '<' } else { '>' };
    Some(format!("{order}{kind}{}", dtype.bytes()))
}

/// The type and byte order that numpy's spelling means.
///
/// One raw byte is written for several types, of which we have one; who reads it must know: `raw` is the type that is wanted.
fn parse_descr(descr: &str, raw: Option<DType>) -> Result<(DType, ByteOrder), HeaderError> {
    let (order, rest) = match descr.as_bytes().first() {
        Some(b'<') => (ByteOrder::Little, &descr[1..]),
        Some(b'>') => (ByteOrder::Big, &descr[1..]),
        Some(b'|' | b'=') => (ByteOrder::NATIVE, &descr[1..]),
        _ => (ByteOrder::NATIVE, descr),
    };
    let dtype = match rest {
        "b1" | "?" => DType::Bool,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "u1" => DType::U8,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "c8" => DType::C64,
        "c16" => DType::C128,
        "f1" => DType::F8E5M2,
        "V2" => DType::BF16,
        "V1" if raw == Some(DType::F8E4M3) => DType::F8E4M3,
        _ => return Err(HeaderError::UnsupportedDtype(format!("`{descr}`{}", kind_of(rest)))),
    };
    Ok((dtype, order))
}

/// A few words on a type that we do not have.
fn kind_of(descr: &str) -> &'static str {
    match descr.chars().next() {
        Some('O') => " (Python objects)",
        Some('U') => " (text)",
        Some('S' | 'a') => " (byte strings)",
        Some('M' | 'm') => " (dates or times)",
        Some('V') => " (raw bytes; a program that declares f8e4m3 reads one, and bf16 two)",
        Some('f' | 'c') => " (extended precision)",
        _ => "",
    }
}

/// The dict literal, read from left to right without recursion.
struct Literal<'a> {
    text: &'a str,
    at: usize,
    /// What one raw byte is.
    raw: Option<DType>,
}

impl<'a> Literal<'a> {
    fn header(mut self, len: usize) -> Result<Header, HeaderError> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while !self.eat('}') {
            let key = self.string()?;
            self.expect(':')?;
            let repeated = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran.replace(self.boolean()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                other => return malformed(format!("its header has an unknown key `{}`", shorten(other))),
            };
            if repeated {
                return malformed(format!("its header gives `{key}` twice"));
            }
            if !self.eat(',') {
                self.expect('}')?;
                break;
            }
        }
        self.end()?;
        let ((dtype, order), fortran, shape) = match (descr, fortran, shape) {
            (Some(d), Some(f), Some(s)) => (d, f, s),
            (None, _, _) => return malformed("its header lacks `descr`"),
            (_, None, _) => return malformed("its header lacks `fortran_order`"),
            (_, _, None) => return malformed("its header lacks `shape`"),
        };
        Ok(Header { dtype, order, fortran, shape, len })
    }

    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), HeaderError> {
        if self.eat(wanted) {
            return Ok(());
        }
        malformed(format!("its header has {} where `{wanted}` belongs", self.found()))
    }

    fn found(&mut self) -> String {
        self.rest().chars().next().map_or_else(|| "nothing".to_owned(), |c| format!("`{}`", c.escape_default()))
    }

    /// A string without escapes: none of the keys and types has any.
    fn string(&mut self) -> Result<&'a str, HeaderError> {
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return malformed(format!("its header has {} where a string belongs", self.found()));
        };
        let Some(len) = rest[1..].find(quote) else { return malformed("its header has a string without an end") };
        self.at += len + 2;
        Ok(&rest[1..=len])
    }

    fn descr(&mut self) -> Result<(DType, ByteOrder), HeaderError> {
        match self.rest().chars().next() {
            Some('[' | '(') => Err(HeaderError::UnsupportedDtype("of structured records".to_owned())),
            _ => {
                let raw = self.raw;
                parse_descr(self.string()?, raw)
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, HeaderError> {
        let rest = self.rest();
        for (word, value) in [("True", true), ("False", false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        malformed(format!("its header has {} where `True` or `False` belongs", self.found()))
    }

    fn shape(&mut self) -> Result<DimVec<usize>, HeaderError> {
        let mut shape = DimVec::new();
        self.expect('(')?;
        let mut comma = true;
        while !self.eat(')') {
            if !comma {
                return malformed(format!("its shape has {} where `,` or `)` belongs", self.found()));
            }
            if shape.len() == MAX_RANK {
                return malformed(format!("its shape has more than {MAX_RANK} axes"));
            }
            shape.push(self.extent()?);
            comma = self.eat(',');
        }
        if shape.len() == 1 && !comma {
            return malformed("its shape is a number, not a tuple");
        }
        Ok(shape)
    }

    fn extent(&mut self) -> Result<usize, HeaderError> {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return malformed(format!("its shape has {} where a size belongs", self.found()));
        }
        self.at += digits;
        // Python 2 wrote long integers.
        self.eat('L');
        rest[..digits].parse().or_else(|_| malformed(format!("its shape has the size {}", shorten(&rest[..digits]))))
    }

    fn end(&mut self) -> Result<(), HeaderError> {
        match self.rest() {
            "" => Ok(()),
            _ => malformed(format!("its header goes on with {} after the dict", self.found())),
        }
    }
}

/// At most 40 characters of the file's text in a message.
fn shorten(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(dict: &str) -> Result<Header, HeaderError> {
        Literal { text: dict, at: 0, raw: None }.header(128)
    }

    #[test]
    fn the_usual_header() {
        let h = parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n").unwrap();
        assert_eq!((h.dtype, h.order, h.fortran, &h.shape[..]), (DType::F32, ByteOrder::Little, false, &[3, 4][..]));
        let h = parse(r#"{"shape":(7L,),"fortran_order":True,"descr":">c16"}"#).unwrap();
        assert_eq!((h.dtype, h.order, h.fortran, &h.shape[..]), (DType::C128, ByteOrder::Big, true, &[7][..]));
        assert!(parse("{'descr': '|b1', 'fortran_order': False, 'shape': ()}").unwrap().shape.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("", "nothing where `{` belongs"),
            ("{'descr': '<f4', 'fortran_order': False}", "lacks `shape`"),
            ("{'descr': '<f4', 'descr': '<f4'}", "`descr` twice"),
            ("{'colour': 1}", "unknown key `colour`"),
            ("{'shape': (3)}", "a number, not a tuple"),
            ("{'shape': (-3,)}", "`-` where a size belongs"),
            ("{'shape': (3 4)}", "`4` where `,` or `)` belongs"),
            ("{'shape': (99999999999999999999999,)}", "the size 99999999999999999999999"),
            ("{'fortran_order': 1}", "where `True` or `False` belongs"),
            ("{'descr': '<f4", "a string without an end"),
            ("{'descr': ", "nothing where a string belongs"),
            ("{} x", "`x` after the dict"),
            ("{'é\u{1}': 1}", r"\u{e9}\u{1}"),
        ];
        for (dict, reason) in cases {
            let HeaderError::Malformed(found) = parse(dict).unwrap_err() else { panic!("{dict}") };
            assert!(found.contains(reason), "{dict}: {found}");
        }
    }

    #[test]
    fn types_that_we_lack_are_named() {
        for (descr, words) in [
            ("'|O'", "objects"),
            ("'<U7'", "text"),
            ("'|S3'", "byte strings"),
            ("'<M8[ns]'", "dates"),
            ("'|V1'", "raw bytes"),
            ("'|V3'", "raw bytes"),
            ("'<f16'", "extended"),
            ("[('a', '<i4')]", "structured"),
            ("''", "``"),
        ] {
            let HeaderError::UnsupportedDtype(found) = parse(&format!("{{'descr': {descr}}}")).unwrap_err() else { panic!("{descr}") };
            assert!(found.contains(words), "{descr}: {found}");
        }
    }

    #[test]
    fn deep_nesting_is_harmless() {
        let deep = format!("{{'shape': {}", "(".repeat(60_000));
        assert!(matches!(parse(&deep), Err(HeaderError::Malformed(_))));
    }

    #[test]
    fn written_headers_are_read_back_and_aligned() {
        for shape in [&[][..], &[0], &[5], &[3, 4], &[usize::MAX, 2], &[1; 64]] {
            let bytes = Header::write(DType::I16, shape).unwrap();
            assert_eq!(bytes.len() % HEADER_ALIGN, 0);
            let header = Header::read(&mut &bytes[..], None).unwrap();
            assert_eq!((&header.shape[..], header.dtype, header.len), (shape, DType::I16, bytes.len()));
        }
        for dtype in [DType::BF16, DType::F8E4M3, DType::F8E5M2, DType::F16] {
            let bytes = Header::write(dtype, &[2]).unwrap();
            assert_eq!(Header::read(&mut &bytes[..], Some(dtype)).unwrap().dtype, dtype);
        }
        let packed = Header::read(&mut &Header::write(DType::U4, &[2, 3]).unwrap()[..], None).unwrap();
        assert_eq!((packed.dtype, &packed.shape[..]), (DType::U8, &[2, 2][..]));
        assert_eq!(Header::write(DType::Key, &[2]), None);
    }
}
