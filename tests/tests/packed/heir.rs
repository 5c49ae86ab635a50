//! The MLIR of packed programs: read again, carried out, and compared with the programs.

use super::Case;
use ein::Compiler;
use ein::packed::{Available, PackOptions, Planned, VerifiedPacked};
use ein_he::{Contract, heir};
use ein_ir::entity::EntityRef;
use ein_ir::interp::slots::{self, Operands, einsum};
use ein_ir::packed::layout::Content;
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Equation, PlainValues, PublicSource, parse};
use ein_tests::mlir::{Function, Vectors};
use ein_tests::random::Random;

/// Carries out the MLIR of a program on random operands, and compares each element of each result.
fn check(packed: &VerifiedPacked, text: &str) {
    let function = Function::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut random = Random::new(3);
    let mut numbers = |shape: &[u64]| -> Vec<f64> { (0..shape.iter().product()).map(|_| random.between(-9, 9) as f64).collect() };
    let secrets: Vec<Vec<f64>> = packed.inputs.values().map(|input| numbers(&input.layout.shape)).collect();
    let (mut given, mut publics): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    for public in packed.publics.values() {
        if let PublicSource::Einsum { equation, args, scale } = &public.source {
            let args: Vec<(&[u64], &[f64])> =
                args.iter().map(|arg| (packed.publics[*arg].shape.as_slice(), publics[arg.index()].as_slice())).collect();
            let derived = einsum::evaluate(&Equation::parse(equation).expect("an equation"), &args).expect("an einsum");
            publics.push(derived.into_iter().map(|number| number * scale).collect());
        } else {
            given.push(numbers(&public.shape));
            publics.extend(given.last().cloned());
        }
    }
    let results = function.run(arguments(packed, &secrets, &publics)).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let secret: Vec<bool> = function.arguments.iter().map(|(_, secret)| *secret).collect();
    let n_secret: usize = packed.inputs.values().map(|input| input.layout.n_chunks() as usize).sum();
    assert!(secret[..n_secret].iter().all(|secret| *secret) && !secret[n_secret..].contains(&true), "{text}");
    let wanted = slots::run(packed, &Operands { secrets, publics: given, seed: 1 }).expect("a run");
    let mut results = results.iter();
    for (output, wanted) in packed.outputs.iter().zip(wanted) {
        for chunk in 0..output.layout.n_chunks() {
            for (content, found) in output.layout.contents(chunk).zip(results.next().expect("a vector")) {
                if let Content::Element(flat) = content {
                    assert!((found - wanted[flat as usize]).abs() <= 1e-9 * (1.0 + found.abs()), "{found} for {}", wanted[flat as usize]);
                }
            }
        }
    }
    assert!(results.next().is_none());
}

/// What each argument holds.
fn arguments(packed: &VerifiedPacked, secrets: &[Vec<f64>], publics: &[Vec<f64>]) -> Vectors {
    let mut vectors = Vectors::new();
    for ((id, input), numbers) in packed.inputs.iter().zip(secrets) {
        for chunk in 0..input.layout.n_chunks() {
            let slot = |content| if let Content::Element(flat) = content { numbers[flat as usize] } else { 0.0 };
            vectors.insert(format!("%{id}_{chunk}"), input.layout.contents(chunk).map(slot).collect());
        }
    }
    for (id, plain) in &packed.plains {
        let PlainValues::Elements(public, segments) = &plain.values else { continue };
        let mut slots = vec![0.0; packed.slots as usize];
        let (_, numbers) = packed.publics.keys().zip(publics).find(|(id, _)| id == public).expect("a public tensor");
        segments.iter().flat_map(|segment| segment.elements(packed.slots)).for_each(|(slot, flat)| slots[slot] = numbers[flat as usize]);
        vectors.insert(format!("%{id}"), slots);
    }
    vectors
}

#[test]
fn einsums() {
    let cases: [(&str, &[&[u64]], &str, u32); 6] = [
        ("ij->ji", &[&[4, 4]], "c", 4),
        ("ik,k->i", &[&[8, 8], &[8]], "pc", 6),
        ("ik,kj->ij", &[&[4, 8], &[8, 4]], "cc", 4),
        ("ij,ij->", &[&[3, 5], &[3, 5]], "cp", 3),
        ("i,j->ij", &[&[5], &[3]], "cc", 5),
        (",i->i", &[&[], &[1]], "cc", 0),
    ];
    for (equation, shapes, secret, log_slots) in cases {
        for contract in [Contract::Strict, Contract::Free] {
            let packed = Case::new(equation, shapes, secret, log_slots, contract).plan();
            check(&packed, &heir::to_mlir(&packed, None));
        }
    }
}

/// Reals with rescalings, constants, signs and several ciphertexts.
fn layer(d: i64, o: i64, slots: u32) -> Planned {
    let source = "def score<D, O>(x: secret f32[D] in -1.0..1.0, W: f32[O, D], c: f32[O]) -> (y: secret f32[O], n: secret f32[D]) {
        u[o] = W[o, d] * x[d] + c[o];
        y[o] = 0.5 - approx(sigmoid, u[o], on = (-8.0, 8.0), degree = 3);
        n[d] = -x[d];
    }";
    let function = Compiler::new().threads(1).compile(source).expect("a program").main_def().expect("a definition");
    function.planned(&[("D", d), ("O", o)], &PackOptions { slots, ..PackOptions::default() }, Available::default()).expect("a plan")
}

#[test]
fn a_layer_and_a_polynomial() {
    for slots in [4, 16] {
        let planned = layer(6, 3, slots);
        check(&planned.program, &planned.to_mlir());
    }
}

/// Every operation, over two ciphertexts of one input, a public tensor, one that is computed of it, and constants.
const EVERYTHING: &str = r#"packed "every op" slots 4 {
  input x0 "A": TYPE[2, 4] [ct: a0.0 | slots: a1.1-0]
  input x1 "b": TYPE[] [slots: rep.2]
  public w0 "w": TYPE[4]
  public w1 "ww": TYPE[4] = einsum "i,i->i" (w0, w0) times 2.0
  plain p0 = w0 at [0 by 1 x 4 = 3 by -1]
  plain p1 = w1 at [1 by 2 x 2 = 0 by 2]
  plain p2 = 1.0 at [0 by 1 x 3]
  plain p3 = -3.0 at [0 by 1 x 4]
  plain p4 = 1.0 at [0 by 1 x 4]
  c0 = input x0[0]
  c1 = input x0[1]
  c2 = input x1[0]
  c3 = rotate c0 by 3
  c4 = add c3, c1
  c5 = sub c4, c2
  c6 = neg c5
  c7 = add_plain c6, p0
  c8 = add_plain c7, p3
  c9 = mask c8, p2
  c10 = mul_plain c9, p1
  c11 = rescale c10
  c12 = rescale c11
  c13 = neg c12
  c14 = drop c0 to 2
  c15 = mul c13, c14
  c16 = relin c15
  c17 = rescale c16
  c18 = boot c17 to 3 within 9
  c19 = rotate c18 by 1
  c20 = mask c19, p4
  output "y": TYPE[4] [slots: a0.1-0] = (c20)
  output "z": TYPE[2, 4] [ct: a0.0 | slots: a1.1-0] = (c19, c0)
}
"#;

/// Its MLIR over integers and over reals, carried out.
pub(crate) fn of_every_operation() -> String {
    let of = |dtype: &str| {
        let packed = parse::parse(&EVERYTHING.replace("TYPE", dtype)).unwrap_or_else(|e| panic!("{e}"));
        let packed = verify(packed).unwrap_or_else(|e| panic!("{e:?}"));
        ein_ir::packed::level::levels(&packed, 4).unwrap_or_else(|e| panic!("{e:?}"));
        let text = heir::to_mlir(&packed, None);
        check(&packed, &text);
        text
    };
    ["i64", "f64"].map(of).join("\n")
}

#[test]
fn what_is_wrong_is_seen() {
    let packed = Case::new("ik,k->i", &[&[4, 4], &[4]], "pc", 2, Contract::Free).plan();
    let text = heir::to_mlir(&packed, None);
    let fails = |text: &str| match Function::parse(text) {
        Ok(function) => function.run(arguments(&packed, &[vec![1.0; 4]], &[vec![1.0; 16]])).is_err(),
        Err(_) => true,
    };
    assert!(!fails(&text), "{text}");
    for (from, to) in
        [("%k1 ", "%k9 "), ("muli", "mulf"), ("xi64>, index", "xf64>, index"), ("return %", "return %z"), ("  %c", "  %k1 = ")]
    {
        assert!(text.contains(from) && fails(&text.replacen(from, to, 1)), "{from}: {text}");
    }
}
