//! Tensors of values, and their bytes.

use crate::dtype::{Class, DType};
use crate::scalar::small::SmallFormat;
use crate::scalar::value::Value;

/// A row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Type of every value.
    pub dtype: DType,
    /// Size of each axis.
    pub shape: Vec<usize>,
    /// As many as the product of the shape, last axis fastest.
    pub values: Vec<Value>,
}

impl Data {
    /// A tensor of given values.
    #[must_use]
    pub fn new(dtype: DType, shape: Vec<usize>, values: Vec<Value>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "as many values as elements");
        Self { dtype, shape, values }
    }

    /// A float tensor; the numbers are rounded to the dtype.
    #[must_use]
    pub fn floats(dtype: DType, shape: &[usize], values: &[f64]) -> Self {
        Self::new(dtype, shape.to_vec(), values.iter().map(|x| Value::float(*x, dtype)).collect())
    }

    /// An integer tensor; the numbers wrap to the dtype.
    #[must_use]
    pub fn ints(dtype: DType, shape: &[usize], values: &[i64]) -> Self {
        Self::new(dtype, shape.to_vec(), values.iter().map(|n| Value::int(i128::from(*n), dtype)).collect())
    }

    /// Reads little-endian bytes. Sub-byte types are packed along the last axis, low bits first, each row starting on a byte.
    /// Answers `None` if there are not exactly as many bytes as the shape needs.
    #[must_use]
    pub fn from_bytes(dtype: DType, shape: Vec<usize>, bytes: &[u8]) -> Option<Self> {
        let (rows, row) = rows_of(&shape);
        if bytes.len() != rows * row_bytes(dtype, row) {
            return None;
        }
        let mut values = Vec::with_capacity(rows * row);
        if row > 0 {
            for chunk in bytes.chunks_exact(row_bytes(dtype, row)) {
                (0..row).for_each(|n| values.push(decode_at(dtype, chunk, n)));
            }
        }
        Some(Self { dtype, shape, values })
    }

    /// The bytes that [`Data::from_bytes`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (rows, row) = rows_of(&self.shape);
        let stride = row_bytes(self.dtype, row);
        let mut bytes = vec![0u8; rows * stride];
        if row > 0 {
            for (values, chunk) in self.values.chunks_exact(row).zip(bytes.chunks_exact_mut(stride)) {
                values.iter().enumerate().for_each(|(n, value)| encode_at(self.dtype, chunk, n, *value));
            }
        }
        bytes
    }
}

/// Number of rows of the last axis, and their length; a scalar is one row of one.
fn rows_of(shape: &[usize]) -> (usize, usize) {
    match shape.split_last() {
        Some((last, rest)) => (rest.iter().product(), *last),
        None => (1, 1),
    }
}

fn row_bytes(dtype: DType, row: usize) -> usize {
    (row * dtype.bits() as usize).div_ceil(8)
}

/// The n-th element of a row.
fn decode_at(dtype: DType, row: &[u8], n: usize) -> Value {
    let bits = dtype.bits() as usize;
    if bits < 8 {
        let raw = row[n * bits / 8] >> (n * bits % 8);
        return Value::int(i128::from(raw), dtype);
    }
    let bytes = &row[n * bits / 8..][..bits / 8];
    if dtype.is_complex() {
        let (re, im) = bytes.split_at(bits / 16);
        let part = |b| decode(dtype.real(), b).as_float().unwrap_or(0.0);
        return Value::Complex(part(re), part(im), dtype);
    }
    decode(dtype, bytes)
}

fn encode_at(dtype: DType, row: &mut [u8], n: usize, value: Value) {
    let bits = dtype.bits() as usize;
    if bits < 8 {
        let raw = value.as_int().unwrap_or(0) as u8 & ((1 << bits) - 1);
        row[n * bits / 8] |= raw << (n * bits % 8);
        return;
    }
    let bytes = &mut row[n * bits / 8..][..bits / 8];
    if let Value::Complex(re, im, _) = value {
        let (first, second) = bytes.split_at_mut(bits / 16);
        first.copy_from_slice(&encode(Value::Float(re, dtype.real())).to_le_bytes()[..bits / 16]);
        second.copy_from_slice(&encode(Value::Float(im, dtype.real())).to_le_bytes()[..bits / 16]);
        return;
    }
    bytes.copy_from_slice(&encode(value).to_le_bytes()[..bits / 8]);
}

/// A value of a whole number of bytes, at most 8.
fn decode(dtype: DType, bytes: &[u8]) -> Value {
    let mut all = [0u8; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    let raw = u64::from_le_bytes(all);
    match (dtype, dtype.class()) {
        (_, Class::Bool) => Value::Bool(raw != 0),
        (_, Class::Key) => Value::Key(raw),
        (DType::F64, _) => Value::Float(f64::from_bits(raw), dtype),
        (DType::F32, _) => Value::Float(f64::from(f32::from_bits(raw as u32)), dtype),
        (_, Class::Float) => Value::Float(SmallFormat::of(dtype).map_or(0.0, |format| format.decode(raw)), dtype),
        _ => Value::int(i128::from(raw), dtype),
    }
}

/// The bits of a value of at most 8 bytes.
fn encode(value: Value) -> u64 {
    match value {
        Value::Bool(b) => u64::from(b),
        Value::Key(k) => k,
        Value::Int(n, _) => n as u64,
        Value::Float(x, DType::F32) => u64::from((x as f32).to_bits()),
        Value::Float(x, dtype) => SmallFormat::of(dtype).map_or(x.to_bits(), |format| format.encode(x)),
        Value::Complex(..) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_round_trips_through_bytes() {
        for dtype in DType::ALL {
            let n_bytes = 3 * row_bytes(dtype, 5);
            // Whole patterns for the small types, and no NaN payloads, which are not kept.
            let bytes: Vec<u8> = (0..n_bytes).map(|n| if dtype == DType::Bool { (n % 2) as u8 } else { (n * 37 % 120) as u8 }).collect();
            let data = Data::from_bytes(dtype, vec![3, 5], &bytes).unwrap();
            assert_eq!(Data::from_bytes(dtype, vec![3, 5], &data.to_bytes()).unwrap(), data, "{dtype}");
            assert!(Data::from_bytes(dtype, vec![3, 6], &bytes).is_none() || row_bytes(dtype, 6) == row_bytes(dtype, 5));
        }
        assert_eq!(Data::from_bytes(DType::F32, vec![0, 3], &[]).unwrap().to_bytes(), Vec::<u8>::new());
        assert_eq!(Data::from_bytes(DType::F32, vec![3, 0], &[]).unwrap().to_bytes(), Vec::<u8>::new());
    }

    #[test]
    fn sub_byte_rows_start_on_a_byte() {
        let data = Data::ints(DType::I4, &[2, 3], &[1, -1, 2, 7, -8, 0]);
        assert_eq!(data.to_bytes(), [0xf1, 0x02, 0x87, 0x00]);
        assert_eq!(Data::from_bytes(DType::I4, vec![2, 3], &data.to_bytes()).unwrap(), data);
    }
}
