use super::proof::{Operand, prove};
use super::*;
use crate::dtype::DType;
use crate::entity::Plain;
use crate::packed::verify::verify;
use crate::packed::{AddressBit, InputDecl, Piece, PlainDecl, PublicDecl, Roll, Run, Segment};

/// Bits of a layout, the highest first, as the text form has them: `a0.2-0 rep.1`, and `zero.1`, `junk.1`.
fn bits(text: &str) -> Vec<AddressBit> {
    let mut bits = Vec::new();
    for word in text.split_whitespace() {
        let (kind, rest) = word.split_once('.').unwrap();
        let (hi, lo) = rest.split_once('-').unwrap_or((rest, rest));
        let (hi, lo): (u8, u8) = (hi.parse().unwrap(), lo.parse().unwrap());
        match kind {
            "rep" => bits.extend((0..hi).map(|_| AddressBit::Rep)),
            "zero" => bits.extend((0..hi).map(|_| AddressBit::Zero)),
            "junk" => bits.extend((0..hi).map(|_| AddressBit::Junk)),
            axis => bits.extend((lo..=hi).rev().map(|bit| AddressBit::Axis { axis: axis[1..].parse().unwrap(), bit })),
        }
    }
    bits.reverse();
    bits
}

fn layout(shape: &[u64], chunks: &str, slots: &str) -> Layout {
    Layout { shape: shape.to_vec(), slots: bits(slots), chunks: bits(chunks), ..Layout::default() }
}

fn program(slots: u32, inputs: &[Layout]) -> Packed {
    let mut program = Packed { slots, ..Packed::default() };
    for (n, layout) in inputs.iter().enumerate() {
        program.inputs.push(InputDecl { name: format!("x{n}"), dtype: DType::F64, layout: layout.clone() });
    }
    program
}

fn input(program: &mut Packed, n: usize, chunk: u32) -> Ciphertext {
    program.ops.push(Op::Input { input: Input::new(n), chunk })
}

fn output(program: &mut Packed, layout: Layout, values: &[Ciphertext]) {
    program.outputs.push(OutputDecl { name: "y".to_owned(), dtype: DType::F64, layout, values: values.to_vec() });
}

/// Sums over slots that differ in these distances.
fn fold(program: &mut Packed, mut x: Ciphertext, steps: &[u32]) -> Ciphertext {
    for &by in steps {
        let moved = program.ops.push(Op::Rotate { x, by });
        x = program.ops.push(Op::Add(x, moved));
    }
    x
}

fn secrets(n: usize) -> Vec<Operand> {
    (0..n).map(|n| Operand::Secret(Input::new(n))).collect()
}

fn proved(program: Packed, equation: &str, operands: &[Operand]) -> Result<(), Vec<VerifierError>> {
    let program = verify(program).unwrap_or_else(|e| panic!("{e:?}"));
    prove(&program, &Equation::parse(equation).unwrap(), operands)
}

/// `ij,j->i`: the matrix row major, the vector on every row, a sum over the columns that leaves junk behind.
fn matvec(shape: &[u64], junk_padding: bool, result: &str) -> Packed {
    let padding = |n: u8| if junk_padding { (0..n).collect() } else { Vec::new() };
    let matrix = Layout { junk_padding: padding(2), ..layout(shape, "", "a0.2-0 a1.2-0") };
    let mut p = program(64, &[matrix, layout(&shape[1..], "", "rep.3 a0.2-0")]);
    let (a, x) = (input(&mut p, 0, 0), input(&mut p, 1, 0));
    let product = p.ops.push(Op::Mul(a, x));
    let product = p.ops.push(Op::Relin(product));
    let sum = fold(&mut p, product, &[4, 2, 1]);
    output(&mut p, Layout { junk_padding: padding(1), ..layout(&shape[..1], "", result) }, &[sum]);
    p
}

#[test]
fn a_matrix_times_a_vector_is_proved() {
    for shape in [[8, 8], [5, 8], [5, 7]] {
        proved(matvec(&shape, false, "a0.2-0 junk.3"), "ij,j->i", &secrets(2)).unwrap_or_else(|e| panic!("{shape:?}: {e:?}"));
    }
    // Padding of rows may be junk, and stays in its rows; that of columns meets zeros of the vector.
    for shape in [[5, 8], [5, 7]] {
        proved(matvec(&shape, true, "a0.2-0 junk.3"), "ij,j->i", &secrets(2)).unwrap_or_else(|e| panic!("{shape:?}: {e:?}"));
    }
    let p = matvec(&[8, 8], false, "a0.2-0 junk.3");
    assert_eq!((p.counts().rotations, p.counts().mulcc, p.counts().depth, p.counts().keys), (3, 1, 1, 3));
}

#[test]
fn what_is_wrong_is_seen() {
    let errors = proved(matvec(&[8, 8], false, "a0.2-0 junk.3"), "ij,i->j", &secrets(2)).unwrap_err();
    let wanted = "output `y`, element 0: is x0[0]*x1[0] + x0[1]*x1[1] + x0[2]*x1[2] + x0[3]*x1[3]";
    assert!(errors[0].to_string().starts_with(wanted), "{}", errors[0]);
    // Slots that are said to be zero or the same, and are not.
    for (claim, message) in [("a0.2-0 zero.3", "is not zero"), ("a0.2-0 rep.3", "differs from where element 0 was before")] {
        let errors = proved(matvec(&[8, 8], false, claim), "ij,j->i", &secrets(2)).unwrap_err();
        assert!(errors[0].to_string().starts_with("output `y`: slot 1 of c9, ciphertext 0 of ["), "{}", errors[0]);
        assert!(errors[0].message.ends_with(message), "{}", errors[0]);
        assert_eq!(errors.len(), 9, "eight and how many more");
    }
    // Junk of padding that nothing makes zero reaches a result.
    let junk = Layout { junk_padding: vec![0], ..layout(&[5], "", "a0.2-0") };
    let mut p = program(8, &[junk]);
    let x = input(&mut p, 0, 0);
    let sum = fold(&mut p, x, &[4, 2, 1]);
    output(&mut p, layout(&[], "", "rep.3"), &[sum]);
    let errors = proved(p, "i->", &secrets(1)).unwrap_err();
    assert!(errors[0].message.contains("junk[5] + junk[6] + junk[7]"), "{}", errors[0]);
}

#[test]
fn a_sum_over_the_outermost_bits_is_everywhere() {
    let mut p = program(16, &[layout(&[4, 4], "", "a0.1-0 a1.1-0")]);
    let x = input(&mut p, 0, 0);
    let sum = fold(&mut p, x, &[8, 4]);
    output(&mut p, layout(&[4], "", "rep.2 a0.1-0"), &[sum]);
    proved(p, "ij->j", &secrets(1)).unwrap();
}

/// `ij->ji` by masks and rotations of both signs, with plaintexts for each of the diagonals; strict.
#[test]
fn a_transpose_by_diagonals_is_strict() {
    let mut p = program(16, &[layout(&[4, 4], "", "a0.1-0 a1.1-0")]);
    let x = input(&mut p, 0, 0);
    let mut sum = None;
    for d in -3_i32..=3 {
        // Element (i, i + d) from slot 4i + i + d to slot 4(i + d) + i: to the right by 3d.
        let (first, count) = (0.max(-d) as u32, 4 - d.unsigned_abs());
        let slot = (5 * first).wrapping_add_signed(d);
        let mask = p.plains.push(PlainDecl { values: PlainValues::Constant(1.0, vec![Run { slot, dslot: 5, count }]) });
        let mut part = p.ops.push(Op::Mask(x, mask));
        if d != 0 {
            part = p.ops.push(Op::Rotate { x: part, by: (-3 * d).rem_euclid(16) as u32 });
        }
        sum = Some(sum.map_or(part, |sum| p.ops.push(Op::Add(sum, part))));
    }
    let result = Layout::row_major(&[4, 4], 4);
    assert!(is_strict(&result));
    output(&mut p, result, &[sum.unwrap()]);
    assert_eq!((p.counts().rotations, p.counts().mulcp, p.counts().depth), (6, 7, 1));
    proved(p, "ij->ji", &secrets(1)).unwrap();
}

/// A matrix in the clear by its diagonals, from a derived tensor: `ij,jk,k->i` with the first two in the clear.
#[test]
fn tensors_in_the_clear_are_derived() {
    let mut p = program(4, &[layout(&[4], "", "a0.1-0")]);
    let given = |name: &str| PublicDecl { name: name.to_owned(), dtype: DType::F64, shape: vec![4, 4], source: PublicSource::Given };
    let (a, b) = (p.publics.push(given("a")), p.publics.push(given("b")));
    let source = PublicSource::Einsum { equation: "ij,jk->ik".to_owned(), args: vec![a, b], scale: 1.0 };
    let ab = p.publics.push(PublicDecl { source, ..given("ab") });
    let x = input(&mut p, 0, 0);
    let mut sum = None;
    for d in 0..4_u32 {
        let wrapped = (d > 0).then_some(Segment { chunk: 0, slot: 4 - d, dslot: 1, flat: u64::from(4 * (4 - d)), dflat: 5, count: d });
        let straight = Segment { chunk: 0, slot: 0, dslot: 1, flat: u64::from(d), dflat: 5, count: 4 - d };
        let segments = [straight].into_iter().chain(wrapped).collect();
        let diagonal = p.plains.push(PlainDecl { values: PlainValues::Elements(ab, segments) });
        let moved = if d == 0 { x } else { p.ops.push(Op::Rotate { x, by: d }) };
        let part = p.ops.push(Op::MulPlain(moved, diagonal));
        sum = Some(sum.map_or(part, |sum| p.ops.push(Op::Add(sum, part))));
    }
    let result = sum.unwrap();
    output(&mut p, layout(&[4], "", "a0.1-0"), &[result]);
    let operands = [Operand::Public(Public::new(0)), Operand::Public(Public::new(1)), Operand::Secret(Input::new(0))];
    proved(p.clone(), "ij,jk,k->i", &operands).unwrap();
    proved(p, "ij,j->i", &[Operand::Public(ab), Operand::Secret(Input::new(0))]).unwrap();
}

/// Every operation once, with values read before and after they die.
#[test]
fn every_operation_is_as_said() {
    let whole = layout(&[4], "", "a0.1-0");
    let mut p = program(4, &[whole.clone(), whole.clone()]);
    let (x, y) = (input(&mut p, 0, 0), input(&mut p, 1, 0));
    let two = p.plains.push(PlainDecl { values: PlainValues::Constant(2.0, vec![Run { slot: 3, dslot: 3, count: 2 }]) });
    let difference = p.ops.push(Op::Sub(x, y));
    let negative = p.ops.push(Op::Neg(difference));
    let square = p.ops.push(Op::Mul(difference, difference));
    let square = p.ops.push(Op::Relin(square));
    let more = p.ops.push(Op::AddPlain(square, two));
    let scaled = p.ops.push(Op::MulPlain(more, two));
    let scaled = p.ops.push(Op::Rescale(scaled));
    let scaled = p.ops.push(Op::Drop(scaled, 0));
    let twice = p.ops.push(Op::Add(negative, negative));
    let unused = p.ops.push(Op::Rotate { x: twice, by: 3 });
    p.ops.push(Op::Rotate { x: unused, by: 1 });
    for value in [negative, more, scaled, twice, x] {
        output(&mut p, whole.clone(), &[value]);
    }
    let p = verify(p).unwrap();
    let operands = Operands { secrets: vec![vec![5, 6, 7, 8], vec![1, 3, 2, 9]], publics: Vec::new(), seed: 1 };
    let found = run::<i64>(&p, &operands).unwrap();
    assert_eq!(found, [vec![-4, -3, -5, 1], vec![16, 9, 27, 3], vec![0, 0, 54, 6], vec![-8, -6, -10, 2], vec![5, 6, 7, 8]]);
    let floats = |tensor: &Vec<i64>| tensor.iter().map(|x| *x as f64).collect::<Vec<f64>>();
    let operands = Operands { secrets: operands.secrets.iter().map(floats).collect(), publics: Vec::new(), seed: 1 };
    assert_eq!(run(&p, &operands).unwrap(), found.iter().map(floats).collect::<Vec<_>>());
}

/// A result in the layout of the operand is the operand, whatever the layout.
#[test]
fn packing_and_reading_are_inverse() {
    let axis = |axis, lo, len| Piece { axis, lo, len };
    let rolls = vec![Roll { piece: axis(1, 0, 2), by: axis(0, 0, 3) }, Roll { piece: axis(0, 0, 2), by: axis(0, 2, 1) }];
    let layouts = [
        Layout { rolls, ..layout(&[6, 4], "", "a0.0 a1.1-0 zero.1 a0.2 rep.1 a0.1 junk.1") },
        layout(&[6, 4], "a1.0 a0.2", "junk.1 a0.1-0 a1.1 rep.2"),
        Layout { junk_padding: vec![0, 2], ..layout(&[3, 1, 5], "a2.2 rep.1", "zero.1 a0.1-0 a2.1-0 junk.1") },
        Layout { offset: 37, junk_padding: vec![1], ..layout(&[3, 5], "a1.2", "zero.2 a0.1-0 a1.1-0") },
        Layout { offset: 3, ..layout(&[6], "", "junk.1 rep.1 a0.2-0") },
        layout(&[], "", "rep.3 junk.3"),
        layout(&[4, 0], "", "a0.1-0 zero.4"),
        Layout::row_major(&[3, 17, 2], 4),
    ];
    for layout in layouts {
        let mut p = program(1 << layout.slots.len(), std::slice::from_ref(&layout));
        let values: Vec<Ciphertext> = (0..layout.n_chunks()).map(|chunk| input(&mut p, 0, chunk)).collect();
        output(&mut p, layout.clone(), &values);
        let p = verify(p).unwrap_or_else(|e| panic!("{e:?}"));
        let tensor: Vec<i64> = (1..=layout.shape.iter().product::<u64>().cast_signed()).collect();
        let operands = Operands { secrets: vec![tensor.clone()], publics: Vec::new(), seed: 7 };
        assert_eq!(run(&p, &operands).unwrap(), [tensor], "{layout}");
    }
}

#[test]
fn operands_of_other_sizes_are_refused() {
    let p = verify(matvec(&[5, 7], false, "a0.2-0 junk.3")).unwrap();
    let run = |secrets: Vec<Vec<i64>>| run(&p, &Operands { secrets, publics: Vec::new(), seed: 0 }).unwrap_err()[0].to_string();
    assert_eq!(run(vec![vec![0; 35]]), "x1: 0 numbers for the shape [7]");
    assert_eq!(run(vec![vec![0; 34], vec![0; 7]]), "x0: 34 numbers for the shape [5, 7]");
}

#[test]
fn a_constant_that_is_no_integer_is_refused() {
    let whole = layout(&[2], "", "a0.0");
    let mut p = program(2, std::slice::from_ref(&whole));
    let x = input(&mut p, 0, 0);
    p.plains.push(PlainDecl { values: PlainValues::Constant(0.5, vec![Run { slot: 0, dslot: 0, count: 1 }]) });
    let half = p.ops.push(Op::MulPlain(x, Plain::new(0)));
    output(&mut p, whole, &[half]);
    let p = verify(p).unwrap();
    let errors = run::<i64>(&p, &Operands { secrets: vec![vec![1, 2]], publics: Vec::new(), seed: 0 }).unwrap_err();
    assert_eq!(errors[0].to_string(), "0.5: is no number of this kind");
    assert_eq!(run(&p, &Operands { secrets: vec![vec![1.0, 2.0]], publics: Vec::new(), seed: 0 }).unwrap(), [[0.5, 0.0]]);
}

#[test]
fn einsums_are_evaluated_by_definition() {
    let evaluate = |equation: &str, operands: &[(&[u64], &[i64])]| einsum::evaluate(&Equation::parse(equation).unwrap(), operands);
    let (a, b): (&[i64], &[i64]) = (&[1, 2, 3, 4, 5, 6], &[7, 8, 9, 10, 11, 12]);
    assert_eq!(evaluate("ij,jk->ik", &[(&[2, 3], a), (&[3, 2], b)]).unwrap(), [58, 64, 139, 154]);
    assert_eq!(evaluate("ij->ji", &[(&[2, 3], a)]).unwrap(), [1, 4, 2, 5, 3, 6]);
    assert_eq!(evaluate("ii->i", &[(&[2, 2], &a[..4])]).unwrap(), [1, 4]);
    assert_eq!(evaluate("ii->", &[(&[2, 2], &a[..4])]).unwrap(), [5]);
    assert_eq!(evaluate("ij,ij->i", &[(&[2, 3], a), (&[1, 3], &b[..3])]).unwrap(), [50, 122]);
    assert_eq!(evaluate(",->", &[(&[], &[3]), (&[], &[5])]).unwrap(), [15]);
    assert_eq!(evaluate("ij->j", &[(&[0, 2], &[])]).unwrap(), [0, 0]);
    assert!(evaluate("ij->", &[(&[2], &[1, 2])]).is_err());
    assert!(evaluate("i,i->i", &[(&[2], &[1, 2]), (&[3], &[1, 2, 3])]).is_err());
    for text in ["ij", "i->ii", "i->j", "i1->i", "...i->i"] {
        assert!(Equation::parse(text).is_err(), "{text}");
    }
}

#[test]
fn polynomials_are_exact() {
    let x = |flat| Polynomial::variable(polynomial::Variable::Secret(Input::new(0), flat));
    let mut sum = x(0);
    sum.sub(&x(1));
    let mut plus = x(0);
    plus.add(&x(1));
    assert_eq!(sum.mul(&plus).to_string(), "x0[0]*x0[0] - x0[1]*x0[1]");
    sum.sub(&x(0));
    sum.neg();
    assert!(sum == x(1));
    let half = Polynomial::constant(0.5).unwrap();
    assert_eq!(half.mul(&x(2)).to_string(), "0.5*x0[2]");
    // What has too many digits equals nothing, also not itself.
    let mut long = Polynomial::constant(0.1).unwrap();
    long = long.mul(&long).mul(&long);
    assert_eq!(long.to_string(), "?");
    assert!(long != long.clone());
    assert!(Polynomial::constant(f64::INFINITY).is_none());
}
