//! Random classic einsum strings with operands that fit them.

use crate::random::Random;
use ein::DType;

/// A string, with dtype and shape of each operand.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Number that it was made from.
    pub seed: u64,
    /// The string.
    pub equation: String,
    /// Type and shape of each operand.
    pub operands: Vec<(DType, Vec<usize>)>,
}

/// The string of a seed: one to four operands, repeated labels, size-1 broadcasting, ellipses, implicit results.
#[must_use]
pub fn spec(seed: u64) -> Spec {
    const LABELS: [char; 7] = ['a', 'B', 'c', 'i', 'j', 'k', 'Z'];
    const DTYPES: [DType; 15] = [
        DType::F32,
        DType::F64,
        DType::I32,
        DType::I64,
        DType::Bool,
        DType::C64,
        DType::C128,
        DType::I8,
        DType::I16,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::F16,
        DType::BF16,
    ];
    let mut r = Random::new(seed ^ 0x5eed);
    let n_labels = 2 + r.below(LABELS.len() - 2);
    let extents: Vec<usize> = (0..n_labels).map(|_| if r.one_in(15) { 0 } else { r.pick(&[1, 2, 3, 5, 7, 8, 9]) }).collect();
    let batch: Vec<usize> = (0..r.below(3)).map(|_| r.pick(&[1, 2, 3])).collect();
    let ellipsis = r.one_in(3);
    let one = r.pick(&DTYPES);
    let mixed = r.one_in(4);
    let (mut terms, mut operands, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let mut volume = 1;
    for _ in 0..1 + r.below(4) {
        let (mut term, mut shape) = (String::new(), Vec::new());
        if ellipsis && r.below(3) < 2 {
            let skipped = r.below(batch.len() + 1);
            term.push_str("...");
            shape.extend(batch[skipped..].iter().map(|n| if r.one_in(6) { 1 } else { *n }));
        }
        for _ in 0..r.below(4) {
            let n = r.below(n_labels);
            if !used.contains(&n) {
                if volume * extents[n].max(1) > 20_000 {
                    continue;
                }
                volume *= extents[n].max(1);
                used.push(n);
            }
            term.push(LABELS[n]);
            shape.push(if r.one_in(10) { 1 } else { extents[n] });
        }
        terms.push(term);
        operands.push((if mixed { r.pick(&DTYPES) } else { one }, shape));
    }
    let equation = terms.join(if r.one_in(5) { " , " } else { "," });
    let dotted = terms.iter().any(|t| t.contains("..."));
    let equation = match r.below(4) {
        0 => equation,
        _ => {
            used.retain(|_| r.below(2) == 0);
            r.shuffle(&mut used);
            let labels: String = used.iter().map(|n| LABELS[*n]).collect();
            format!("{equation}->{}{labels}", if dotted { "..." } else { "" })
        }
    };
    Spec { seed, equation, operands }
}

/// A product of two operands that is large enough for the library's matrix product: labels in every class, permuted axes, extents
/// around the sizes of its tiles.
#[must_use]
pub fn large(seed: u64) -> Spec {
    let mut r = Random::new(seed ^ 0x1a26e);
    const DTYPES: [DType; 14] = [
        DType::F32,
        DType::F32,
        DType::F64,
        DType::F64,
        DType::C64,
        DType::C128,
        DType::I32,
        DType::Bool,
        DType::F16,
        DType::BF16,
        DType::F8E5M2,
        DType::I8,
        DType::U8,
        DType::U16,
    ];
    let dtype = r.pick(&DTYPES);
    let (mut terms, mut extents) = ([Vec::new(), Vec::new(), Vec::new()], Vec::new());
    // In which of left, right and result a label of each class stands: free, free, contracted, batch, summed.
    const CLASSES: [[bool; 3]; 5] =
        [[true, false, true], [false, true, true], [true, true, false], [true, true, true], [true, false, false]];
    let chosen: Vec<usize> = [0, 1, 2].into_iter().chain((0..r.below(3)).map(|_| r.pick(&[0, 1, 2, 3, 3, 4]))).collect();
    let mut volume = 1;
    for (label, class) in chosen.into_iter().enumerate() {
        let extent = if label < 3 { r.pick(&[8, 15, 16, 17, 31, 33, 48, 65]) } else { r.pick(&[1, 2, 3, 5]) };
        volume *= extent;
        extents.push(if volume > 150_000 { 1 } else { extent });
        for (term, stands) in terms.iter_mut().zip(CLASSES[class]) {
            if stands {
                term.push(label);
            }
        }
    }
    terms.iter_mut().for_each(|t| r.shuffle(t));
    let text = |labels: &[usize]| labels.iter().map(|l| char::from(b'a' + *l as u8)).collect::<String>();
    let equation = format!("{},{}->{}", text(&terms[0]), text(&terms[1]), text(&terms[2]));
    let shape = |labels: &[usize]| labels.iter().map(|l| extents[*l]).collect();
    Spec { seed, equation, operands: vec![(dtype, shape(&terms[0])), (dtype, shape(&terms[1]))] }
}
