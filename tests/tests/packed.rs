//! Plans of encrypted einsums: proved for all operands, and replayed from their JSON alone.

use ein_he::explain::Explained;
use ein_he::interchange::Beside;
use ein_he::program::meaning::prove as prove_program;
use ein_he::program::{Label, Origin, Program, Sum, Tensor, Term};
use ein_he::{Axis, Contract, Costs, Operand, Options, Subscript, explained, interchange, plan};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::proof::{self, prove};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{Equation, Packed, parse, print};
use ein_ir::span::Span;
use ein_ir::verified::Verified;
use ein_tests::random::Random;
use ein_tests::replay::{self, Integers, einsum, replay};
use std::collections::BTreeMap;

#[path = "packed/heir.rs"]
mod heir;

/// An einsum over operands named `A`, `B` and so on, some of them secret.
#[derive(Clone, Debug)]
struct Case {
    equation: String,
    shapes: Vec<Vec<u64>>,
    secret: Vec<bool>,
    log_slots: u32,
    contract: Contract,
}

const NAMES: [&str; 4] = ["A", "B", "C", "D"];

impl Case {
    /// Secret operands are those with a `c`.
    fn new(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: u32, contract: Contract) -> Self {
        let shapes = shapes.iter().map(|shape| shape.to_vec()).collect();
        Self { equation: equation.to_owned(), shapes, secret: secret.chars().map(|c| c == 'c').collect(), log_slots, contract }
    }

    fn parsed(&self) -> Equation {
        Equation::parse(&self.equation).expect("an equation")
    }

    /// The operands, and the sum over their product.
    fn program(&self) -> Program {
        let equation = self.parsed();
        let shapes: Vec<&[u64]> = self.shapes.iter().map(Vec::as_slice).collect();
        let sizes = equation.sizes(&shapes).expect("sizes fit");
        let number = |label: &char| sizes.keys().position(|other| other == label).expect("every label has a size") as u8;
        let axis = |(label, &size): (&char, &u64)| {
            let fixed = size == 1 && sizes[label] != 1;
            Axis { size, subscript: if fixed { Subscript::Fixed(0) } else { Subscript::Label(number(label)) } }
        };
        let (mut tensors, mut operands) = (Vec::new(), Vec::new());
        for (tensor, (labels, &secret)) in equation.operands.iter().zip(&self.secret).enumerate() {
            let axes = labels.iter().zip(shapes[tensor]).map(axis).collect();
            tensors.push(declared(NAMES[tensor], shapes[tensor], if secret { Origin::Secret } else { Origin::Public }));
            operands.push(Operand { name: NAMES[tensor].to_owned(), tensor, axes, secret });
        }
        let labels = sizes.iter().map(|(label, &size)| Label { name: label.to_string(), size }).collect();
        let output = equation.output.iter().map(number).collect();
        let sum = Sum { labels, output, terms: vec![Term { coefficient: 1.0, operands }] };
        tensors.push(declared("out", &equation.shape(&shapes).expect("sizes fit"), Origin::Sum(sum)));
        Program { name: self.equation.clone(), results: vec![tensors.len() - 1], tensors, ..Program::default() }
    }

    fn plan(&self) -> Verified<Packed> {
        let options = Options::new(self.contract, self.log_slots);
        plan(&self.program(), &options).unwrap_or_else(|e| panic!("{self:?}: {e:?}"))
    }

    fn operands(&self, seed: u64) -> BTreeMap<String, Integers> {
        let mut random = Random::new(seed);
        let mut tensor = |shape: &Vec<u64>| Integers {
            shape: shape.iter().map(|&size| size as usize).collect(),
            numbers: (0..shape.iter().product()).map(|_| random.between(-1000, 1000)).collect(),
        };
        NAMES.iter().zip(&self.shapes).map(|(name, shape)| ((*name).to_owned(), tensor(shape))).collect()
    }

    /// The operands of the equation, as the program has them.
    fn operands_in(&self, program: &Packed) -> Vec<proof::Operand> {
        let find = |name: &str| {
            let secret = program.inputs.iter().find(|(_, decl)| decl.name == name).map(|(id, _)| proof::Operand::Secret(id));
            secret.or_else(|| program.publics.iter().find(|(_, decl)| decl.name == name).map(|(id, _)| proof::Operand::Public(id)))
        };
        self.shapes.iter().zip(NAMES).map(|(_, name)| find(name).unwrap_or_else(|| panic!("{self:?}: no {name}"))).collect()
    }

    /// Proved, replayed, and read back.
    fn check(&self) {
        let program = self.plan();
        self.proved(&program);
        self.replayed(&program);
        let text = print::print(&program);
        assert_eq!(parse::parse(&text).unwrap_or_else(|e| panic!("{self:?}: {e}")), program.into_inner(), "{self:?}");
    }

    fn proved(&self, program: &Verified<Packed>) {
        prove(program, &self.parsed(), &self.operands_in(program)).unwrap_or_else(|e| panic!("{self:?}: {e:?}\n{}", print::print(program)));
    }

    fn replayed(&self, program: &Verified<Packed>) {
        let json = interchange::to_json(program, &Beside::default());
        let operands = self.operands(7);
        let contract = if self.contract == Contract::Strict { replay::Contract::Strict } else { replay::Contract::Free };
        let results = replay(&json, &operands, contract).unwrap_or_else(|e| panic!("{self:?}: {e}\n{}", print::print(program)));
        let wanted = einsum(&self.equation, &operands.values().collect::<Vec<_>>()).expect("operands fit");
        assert_eq!(results.into_values().collect::<Vec<_>>(), [wanted], "{self:?}");
    }
}

fn declared(name: &str, shape: &[u64], origin: Origin) -> Tensor {
    Tensor { name: name.to_owned(), dtype: DType::I64, shape: shape.to_vec(), origin, span: Span::default() }
}

/// Operands of up to three axes with labels of up to five, some repeated, some of size 0 or 1.
fn random_case(random: &mut Random) -> Case {
    let sizes: Vec<u64> = (0..5).map(|_| random.pick(&[0, 1, 2, 2, 3, 3, 4, 5])).collect();
    let n_operands = 1 + random.below(3);
    let (mut terms, mut shapes) = (Vec::new(), Vec::new());
    for _ in 0..n_operands {
        let labels: Vec<usize> = (0..random.below(4)).map(|_| random.below(1 + random.clone().below(5))).collect();
        terms.push(labels.iter().map(|&label| char::from(b'i' + label as u8)).collect::<String>());
        shapes.push(labels.iter().map(|&label| if random.one_in(12) { 1 } else { sizes[label] }).collect());
    }
    let mut used: Vec<char> = terms.concat().chars().collect();
    used.sort_unstable();
    used.dedup();
    used.retain(|_| random.below(2) == 0);
    random.shuffle(&mut used);
    let equation = format!("{}->{}", terms.join(","), used.iter().collect::<String>());
    let mut secret: Vec<bool> = (0..n_operands).map(|_| random.below(3) > 0).collect();
    secret[random.below(n_operands)] = true;
    let contract = random.pick(&[Contract::Strict, Contract::Free]);
    Case { equation, shapes, secret, log_slots: 2 + random.below(6) as u32, contract }
}

#[test]
fn random_einsums_are_proved_and_replayed() {
    let mut random = Random::new(5);
    for _ in 0..120 {
        let case = random_case(&mut random);
        case.check();
    }
}

/// A tensor that adds up one to three products of earlier ones, with coefficients, and with sums of indices as subscripts.
fn random_sum(random: &mut Random, earlier: &[Tensor]) -> (Vec<u64>, Sum) {
    let labels: Vec<Label> = (0..4).map(|n| Label { name: format!("l{n}"), size: random.pick(&[0, 1, 2, 2, 3, 3, 4, 4]) }).collect();
    // An axis without positions is read by a label without positions.
    let readable = |tensor: &&Tensor| tensor.shape.iter().all(|&size| size > 0 || labels.iter().any(|label| label.size == 0));
    let earlier: Vec<(usize, &Tensor)> = earlier.iter().enumerate().filter(|(_, tensor)| readable(tensor)).collect();
    let mut output: Vec<u8> = (0..4).filter(|_| random.one_in(2)).collect();
    random.shuffle(&mut output);
    let terms = (0..1 + random.below(3)).map(|_| {
        let operands = (0..1 + random.below(2)).map(|_| {
            let (tensor, declared) = random.pick(&earlier);
            let axes = declared.shape.iter().map(|&size| Axis { size, subscript: subscript(random, &labels, size) });
            Operand { name: declared.name.clone(), tensor, axes: axes.collect(), secret: declared.is_secret() }
        });
        let operands = operands.collect();
        Term { coefficient: random.pick(&[1.0, 1.0, -1.0, 3.0, 0.5]), operands }
    });
    let terms = terms.collect();
    (output.iter().map(|&label| labels[usize::from(label)].size).collect(), Sum { labels, output, terms })
}

/// Something that stays inside an axis: a label of its size, a sum, a reversed label, a position.
fn subscript(random: &mut Random, labels: &[Label], size: u64) -> Subscript {
    let numbers = || (0_u8..).zip(labels);
    let fits: Vec<u8> = numbers().filter(|(_, label)| label.size == size).map(|(n, _)| n).collect();
    if !fits.is_empty() && (size == 0 || !random.one_in(4)) {
        return Subscript::Label(random.pick(&fits));
    }
    let pairs = numbers().flat_map(|(a, x)| {
        numbers().filter(move |(b, y)| a < *b && x.size > 0 && y.size > 0 && x.size + y.size - 1 <= size).map(move |(b, _)| (a, b))
    });
    let pairs: Vec<(u8, u8)> = pairs.collect();
    let smaller: Vec<(u8, u64)> =
        numbers().filter(|(_, label)| (1..=size).contains(&label.size)).map(|(n, label)| (n, label.size)).collect();
    match random.below(3) {
        0 if !pairs.is_empty() => {
            let (a, b) = random.pick(&pairs);
            Subscript::Linear { terms: vec![(a, 1), (b, 1)], offset: 0 }
        }
        1 if !smaller.is_empty() => {
            let (label, n) = random.pick(&smaller);
            Subscript::Linear { terms: vec![(label, -1)], offset: (n - 1).cast_signed() }
        }
        _ => Subscript::Fixed(random.below(size as usize) as u64),
    }
}

/// Secret and public tensors, and two sums over them of which the second may read the first.
fn random_program(random: &mut Random) -> Program {
    let mut tensors = Vec::new();
    for (n, name) in NAMES.into_iter().take(3).enumerate() {
        let shape: Vec<u64> = (0..random.below(3)).map(|_| random.pick(&[0, 1, 2, 2, 3, 3, 4, 5])).collect();
        tensors.push(declared(name, &shape, if n > 0 && random.one_in(3) { Origin::Public } else { Origin::Secret }));
    }
    for name in ["y", "z"] {
        // A sum of public tensors only is none of a packed program.
        let (shape, sum) = std::iter::repeat_with(|| random_sum(random, &tensors))
            .find(|(_, sum)| sum.terms.iter().any(|term| term.operands.iter().any(|operand| operand.secret)))
            .expect("there is a secret tensor");
        tensors.push(declared(name, &shape, Origin::Sum(sum)));
    }
    Program { name: "random".to_owned(), results: vec![4, 3], tensors, ..Program::default() }
}

#[test]
fn random_programs_are_proved() {
    let mut random = Random::new(11);
    let mut proved = 0;
    for round in 0..120 {
        let program = random_program(&mut random);
        let contract = random.pick(&[Contract::Strict, Contract::Free]);
        let options = Options::new(contract, 3 + random.below(4) as u32);
        match plan(&program, &options) {
            Ok(packed) => {
                prove_program(&program, &packed)
                    .unwrap_or_else(|e| panic!("{round}: {options:?} {program:#?}: {e:?}\n{}", print::print(&packed)));
                proved += 1;
            }
            Err(refused) => assert!(refused.iter().all(|d| d.code.0 == 190), "{round}: {refused:?}"),
        }
    }
    assert!(proved > 80, "only {proved} are planned");
}

/// What operations cost decides what is best: products with plaintexts for nothing, or rotations for next to nothing.
#[test]
fn costs_decide() {
    let program = Case::new("ik,kj->ij", &[&[16, 16], &[16, 16]], "cc", 8, Contract::Free).program();
    let of = |costs: Costs| {
        let Explained { packed, made, .. } = explained(&program, &Options { costs, log_slots: 8, ..Options::default() }).expect("a plan");
        assert!(made.len() == 1 && made[0].name == "out" && !made[0].kernels.is_empty(), "{made:?}");
        packed.counts()
    };
    let free_products = of(Costs { mulcp: 0.0, mulcc: 0.0, relin: 0.0, ..Costs::default() });
    let free_rotations = of(Costs { rotation: 1e-3, ..Costs::default() });
    assert!(free_products.rotations < free_rotations.rotations, "{free_products}; {free_rotations}");
    assert!(free_rotations.mulcp < free_products.mulcp, "{free_products}; {free_rotations}");
    assert!(Costs { add: f64::NAN, ..Costs::default() }.check().is_err() && Costs { rotation: 0.0, ..Costs::default() }.check().is_err());
    assert!(Costs::default().check().is_ok());
}

/// The kinds of products that published systems are measured on, small enough for a proof.
#[test]
fn measured_einsums_are_proved() {
    let cases: [(&str, &[&[u64]]); 9] = [
        ("ij->ji", &[&[8, 8]]),
        ("ij->i", &[&[8, 8]]),
        ("ik,k->i", &[&[8, 8], &[8]]),
        ("ik,kj->ij", &[&[4, 8], &[8, 4]]),
        ("i,j->ij", &[&[8], &[8]]),
        ("ijk,ikl->ijl", &[&[4, 4, 4], &[4, 4, 4]]),
        ("ij,jk,kl->il", &[&[4, 2], &[2, 4], &[4, 4]]),
        ("ik,jkl,il->ij", &[&[2, 4], &[4, 4, 2], &[2, 2]]),
        ("pqrs,tuqvr->pstuv", &[&[2, 2, 4, 2], &[1, 2, 2, 2, 4]]),
    ];
    for (equation, shapes) in cases {
        for contract in [Contract::Strict, Contract::Free] {
            Case::new(equation, shapes, &"ccc"[..shapes.len()], 6, contract).check();
            if shapes.len() > 1 {
                // Over several ciphertexts.
                Case::new(equation, shapes, &"pcc"[..shapes.len()], 4, contract).check();
            }
        }
    }
}

/// Whoever replays a program sees what is wrong with it.
#[test]
fn a_tampered_program_is_seen() {
    let case = Case::new("ij,j->i", &[&[4, 5], &[5]], "cp", 5, Contract::Strict);
    let json = interchange::to_json(&case.plan(), &Beside::default());
    let tampered = |f: &dyn Fn(&mut serde_json::Value)| {
        let mut file: serde_json::Value = serde_json::from_str(&json).unwrap();
        f(&mut file);
        replay(&file.to_string(), &case.operands(3), replay::Contract::Strict)
    };
    let wanted = einsum("ij,j->i", &case.operands(3).values().collect::<Vec<_>>()).unwrap();
    assert_eq!(tampered(&|_| {}).unwrap().into_values().collect::<Vec<_>>(), [wanted]);
    let refused = |expected: &str, f: &dyn Fn(&mut serde_json::Value)| {
        let error = tampered(f).expect_err(expected);
        assert!(error.contains(expected), "{error}, not {expected}");
    };
    refused("31 slots", &|file| file["slots"] = 31.into());
    refused("sent 0 times", &|file| file["inputs"][0]["segments"][0][5] = 1.into());
    refused("element 1 is at 2", &|file| file["inputs"][0]["segments"][0][2] = 2.into());
    refused("filled with junk", &|file| file["inputs"][0]["fill"] = "junk".into());
    refused("rotations are stated", &|file| file["counts"]["rotations"] = 0.into());
    refused("depth are stated", &|file| file["counts"]["depth"] = 9.into());
    refused("the id is there already", &|file| file["ops"][1]["id"] = 0.into());
    refused("a rotation by 32", &|file| {
        file["ops"].as_array_mut().unwrap().iter_mut().filter(|op| op["op"] == "rot").for_each(|op| op["k"] = 32.into())
    });
    refused("is missing", &|file| file["outputs"][0]["segments"] = serde_json::json!([]));
    refused("and not zero", &|file| {
        let ops = file["ops"].as_array_mut().unwrap();
        let everything = serde_json::json!([[0, 1, 32]]);
        ops.iter_mut().filter(|op| op["op"] == "mask").for_each(|op| op["segments"] = everything.clone());
        ops.iter_mut().filter(|op| op["op"] == "plain").for_each(|op| op["segments"] = serde_json::json!([[0, 1, 0, 0, 32]]));
    });
}

/// Every operation, a replicated input, and a tensor that is derived.
const EVERY_OPERATION: &str = r#"packed "every" slots 8 {
  input x0 "A": i64[2, 3] [ct: a1.1 | slots: rep.1 a0.0 a1.0]
  input x1 "b": i64[3] [slots: junk.1 a0.1-0 junk padding a0]
  public w0 "C": i64[4]
  public w1 "CC": i64[4] = einsum "i,i->i" (w0, w0) times 3.0
  plain p0 = w1 at [0 by 2 x 4 = 3 by -1]
  plain p1 = 1.0 at [0, 1 by 5 x 2]
  plain p2 = 2.5 at [7]
  c0 = input x0[1]
  c1 = input x1[0]
  c2 = rotate c0 by 3
  c3 = add c2, c0
  c4 = mul c3, c1
  c5 = relin c4
  c6 = mul_plain c5, p0
  c7 = mask c5, p1
  c8 = sub c7, c6
  c9 = rescale c8
  c10 = drop c9 to 0
  c11 = neg c10
  c12 = add_plain c11, p2
  output "y": i64[2, 2] [slots: junk.1 a0.0 a1.0] = (c12)
}"#;

#[test]
fn the_interchange_format() {
    let program = verify(parse::parse(EVERY_OPERATION).unwrap()).unwrap();
    let json = interchange::to_json(&program, &Beside::default());
    // One entry of a list a line.
    insta::assert_snapshot!(json.replace("[{", "[\n{").replace("},{", "},\n{"));
}

#[test]
fn mlir_of_every_operation() {
    insta::assert_snapshot!(heir::of_every_operation());
}
