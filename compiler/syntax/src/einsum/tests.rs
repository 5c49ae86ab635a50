//! Strings against what numpy makes of them, and the messages of refusals.

use super::numpy_table::ROWS;
use super::{EinsumSpec, EinsumString, Sym, parse_einsum, resolve};
use ein_ir::diagnostic::Diagnostic;

fn spec(text: &str, shapes: &[&[usize]]) -> Result<EinsumSpec, Diagnostic> {
    resolve(&parse_einsum(text)?, shapes)
}

/// Every index tuple of a shape, in row-major order.
fn positions(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![Vec::new()], |prefixes, size| {
        prefixes.iter().flat_map(|prefix| (0..*size).map(move |at| [prefix.as_slice(), &[at]].concat())).collect()
    })
}

/// Shape and checksum of the output, by a loop over every label.
fn evaluate(spec: &EinsumSpec, shapes: &[&[usize]]) -> (Vec<usize>, i64) {
    let output_shape = spec.output_shape();
    let mut output = vec![0_i64; output_shape.iter().product()];
    for point in positions(&spec.sizes) {
        let offset = |labels: &[u16], shape: &[usize], unit: &dyn Fn(usize) -> bool| {
            labels
                .iter()
                .zip(shape)
                .enumerate()
                .fold(0, |offset, (axis, (label, size))| offset * size + if unit(axis) { 0 } else { point[*label as usize] })
        };
        let product: i64 =
            (0..shapes.len()).map(|k| offset(&spec.inputs[k], shapes[k], &|axis| spec.unit_axes[k][axis]) as i64 + 1 + k as i64).product();
        output[offset(&spec.output, &output_shape, &|_| false)] += product;
    }
    (output_shape, output.iter().zip(1..).map(|(value, at)| value * at).sum())
}

#[test]
fn every_string_means_what_numpy_says() {
    for (text, shapes, expected) in ROWS {
        match (spec(text, shapes), expected) {
            (Ok(spec), Some((shape, checksum))) => {
                assert_eq!(evaluate(&spec, shapes), (shape.to_vec(), *checksum), "{text:?} {shapes:?}");
            }
            (Err(_), None) => {}
            (found, _) => panic!("{text:?} {shapes:?}: numpy says {expected:?}, we say {found:?}"),
        }
    }
}

#[track_caller]
fn refuses(text: &str, shapes: &[&[usize]], code: u16, place: &str, message: &str) {
    let diagnostic = spec(text, shapes).expect_err(text);
    let span = diagnostic.primary.as_ref().expect("a place").span;
    assert_eq!((diagnostic.code.0, &text[span.start as usize..span.end as usize]), (code, place), "{diagnostic:?}");
    assert_eq!(diagnostic.message, message);
}

#[test]
fn refusals_name_the_right_label_and_operand() {
    refuses("ij,j1->i", &[], 150, "1", "`1` in operand 1 is not a label: labels are letters");
    refuses("ij,\tj", &[], 150, "\t", "`U+0009` in operand 1 is not a label: labels are letters");
    refuses("ij,k..", &[], 151, ".", "operand 1 has a `.` that is not part of `...`");
    refuses("ij,...k...->i", &[], 151, "...", "operand 1 (`...k...`) has a second `...`");
    refuses("ij- >i", &[], 152, "-", "`-` is not followed by `>`");
    refuses("ij->i->j", &[], 152, "->", "a second `->`");
    refuses("ij->i,j", &[], 152, ",", "the output is one term, without `,`");
    refuses("ij,jk->ix", &[], 153, "x", "output label `x` is in no operand");
    refuses("ij,jk->iki", &[], 154, "i", "label `i` stands twice in the output");
    refuses("ij,jk", &[&[2, 3]], 155, "ij,jk", "the string has 2 terms, and 1 operand was given");
    refuses("ij, jkl", &[&[2, 3], &[3, 4]], 156, "jkl", "operand 1 (`jkl`) has 2 axes, and its term names 3");
    refuses("i,j", &[&[2], &[3, 4]], 157, "j", "operand 1 (`j`) has 2 axes, and its term names 1 without `...`");
    refuses("i,kk", &[&[2], &[1, 3]], 158, "k", "label `k` has sizes 1 and 3 in operand 1 (`kk`), where it selects a diagonal");
    refuses("a,ij,jk", &[&[1], &[2, 3], &[4, 5]], 159, "j", "label `j` has size 4 in operand 2 (`jk`) but 3 in operand 1 (`ij`)");
    refuses("...i,...", &[&[2, 3], &[4]], 159, "...", "label `...0` has size 4 in operand 1 (`...`) but 2 in operand 0 (`...i`)");
    refuses("a...->a", &[&[2, 3]], 160, "a", "`...` stands for 1 axis, and the output has no `...`");
}

#[test]
fn units_yield_to_later_and_earlier_sizes() {
    let spec = spec("i,i,i", &[&[1], &[3], &[1]]).expect("broadcasts");
    assert_eq!((spec.sizes, spec.unit_axes), (vec![3], vec![vec![true], vec![false], vec![true]]));
    // The first size that is not 1 is the one that the message quotes.
    refuses("i,i,i", &[&[1], &[3], &[4]], 159, "i", "label `i` has size 4 in operand 2 (`i`) but 3 in operand 1 (`i`)");
}

#[test]
fn labels_are_any_letters_in_code_point_order() {
    let spec = spec("éa,éβA", &[&[2, 3], &[2, 5, 7]]).expect("letters");
    let output: Vec<_> = spec.output.iter().map(|label| spec.names[*label as usize].as_str()).collect();
    assert_eq!(output, ["A", "a", "β"]);
    assert_eq!(spec.output_shape(), [7, 3, 5]);
}

#[test]
fn neither_labels_nor_operands_nor_axes_are_limited_as_in_numpy() {
    let letters: String = (0x4e00..0x4e00 + 300).filter_map(char::from_u32).collect();
    let one = spec(&letters, &[&[1; 300]]).expect("300 axes");
    assert_eq!(one.output.len(), 300);
    let text = vec!["i"; 200].join(",");
    let many = spec(&text, &vec![&[2_usize][..]; 200]).expect("200 operands");
    assert_eq!((many.inputs.len(), many.output.len()), (200, 0));
}

#[test]
fn interleaved_lists_sort_by_number_and_name_numbers() {
    let [zero, one, ten] = [0, 1, 10].map(Sym::Label);
    let einsum = EinsumString::from_labels(&[vec![ten, one], vec![one, zero]], None).expect("right");
    assert_eq!(einsum.text, "[10, 1], [1, 0]");
    let spec = resolve(&einsum, &[&[2, 3], &[3, 4]]).expect("right");
    assert_eq!(spec.output_shape(), [4, 2]);
    let spec = resolve(&einsum, &[&[2, 3], &[5, 4]]).expect_err("sizes differ");
    assert_eq!(spec.message, "label `1` has size 5 in operand 1 (`[1, 0]`) but 3 in operand 0 (`[10, 1]`)");
    let dots = vec![Sym::Ellipsis, zero];
    let kept = EinsumString::from_labels(std::slice::from_ref(&dots), Some(&[zero, Sym::Ellipsis])).expect("right");
    assert_eq!(resolve(&kept, &[&[2, 3, 4]]).expect("right").output_shape(), [4, 2, 3]);
    assert_eq!(EinsumString::from_labels(&[], None).expect_err("nothing").code.0, 161);
    assert_eq!(EinsumString::from_labels(&[vec![zero]], Some(&[one])).expect_err("unknown").code.0, 153);
    assert_eq!(EinsumString::from_labels(&[vec![Sym::Ellipsis, Sym::Ellipsis]], None).expect_err("twice").code.0, 151);
}

#[test]
fn no_short_string_panics() {
    let symbols = ["i", "j", ",", ".", "...", "-", ">", "->", " ", "é", "1"];
    for a in symbols {
        for b in symbols {
            for c in symbols {
                for d in symbols {
                    if let Ok(einsum) = parse_einsum(&format!("{a}{b}{c}{d}")) {
                        let shapes: Vec<&[usize]> = vec![&[2, 2]; einsum.operands.len()];
                        let _ = resolve(&einsum, &shapes);
                    }
                }
            }
        }
    }
}
