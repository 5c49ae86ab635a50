//! Random programs over secret and public operands: each is planned and is what the program in the clear is, exactly if it is of integers and
//! within its bound if it is of reals, or it is refused for one of a few reasons.

use ein::packed::{Available, Contract, PackOptions};
use ein::{Compiler, DType, Error, Tensor, TensorRef};
use ein_tests::random::Random;
use ndarray::ArrayD;
use std::fmt::Write;

/// What ciphertexts may refuse of such a program: too much for this version, no range, a divisor that may be 0, no such sum, too large, wrapped
/// integers, nothing secret, too many levels.
const REFUSALS: [u16; 8] = [190, 710, 713, 714, 715, 716, 718, 719];

/// An operand: its declaration, its shape, and what its elements lie between.
struct Operand {
    name: String,
    dtype: DType,
    declared: String,
    shape: Vec<usize>,
    range: (i64, i64),
}

/// A program that is being written.
struct Writer<'r> {
    random: &'r mut Random,
    real: bool,
    /// Sizes of the labels.
    sizes: Vec<usize>,
    operands: Vec<Operand>,
}

const LABELS: [&str; 4] = ["a", "b", "c", "d"];

impl Writer<'_> {
    fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// An operand of its own, read at some labels, which are noted.
    fn factor(&mut self, used: &mut Vec<usize>) -> String {
        let rank = self.random.below(4);
        let (mut shape, mut subs) = (Vec::new(), Vec::new());
        for _ in 0..rank {
            let label = self.random.below(LABELS.len());
            let (name, size) = (LABELS[label], self.sizes[label]);
            let (axis, sub) = match self.random.below(14) {
                0 => (size + 2, format!("{name} + 1")),
                1 => (size, format!("{} - {name}", size as i64 - 1)),
                2 => (2 * size, format!("2 * {name}")),
                3 => (size, format!("pad({name} - 1)")),
                4 if size > 0 => (size, format!("wrap({name} + 2)")),
                5 if size > 0 => {
                    let at = self.declare(DType::I64, "i64", &[size], (0, 9));
                    (size, format!("clamp({at}[{name}])"))
                }
                6 => (3, "1".to_owned()),
                7 | 8 => {
                    let other = self.random.below(LABELS.len());
                    used.push(other);
                    (size + 1, format!("pad({name} + {} - 1)", LABELS[other]))
                }
                _ => (size, name.to_owned()),
            };
            if sub.contains(name) {
                used.push(label);
            }
            shape.push(axis);
            subs.push(sub);
        }
        let secret = if self.chance(60) { "secret " } else { "" };
        let name = if self.real {
            self.declare(DType::F64, &format!("{secret}f64"), &shape, (-8, 8))
        } else {
            self.declare(DType::I64, &format!("{secret}i64"), &shape, (-9, 9))
        };
        if subs.is_empty() { name } else { format!("{name}[{}]", subs.join(", ")) }
    }

    fn declare(&mut self, dtype: DType, ty: &str, shape: &[usize], range: (i64, i64)) -> String {
        let name = format!("x{}", self.operands.len());
        let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
        let axes = if axes.is_empty() { String::new() } else { format!("[{}]", axes.join(", ")) };
        let within = if dtype == DType::F64 { " in -1.0..1.0" } else { "" };
        let declared = format!("{name}: {ty}{axes}{within}");
        self.operands.push(Operand { name: name.clone(), dtype, declared, shape: shape.to_vec(), range });
        name
    }

    /// A product, or a function of one.
    fn term(&mut self, used: &mut Vec<usize>) -> String {
        let n = 1 + self.random.below(3);
        let mut product: Vec<String> = (0..n).map(|_| self.factor(used)).collect();
        if self.chance(30) {
            product.push(if self.real { "0.5".to_owned() } else { "3".to_owned() });
        }
        let product = product.join(" * ");
        if !self.real || self.chance(50) {
            return product;
        }
        let f = self.random.pick(&[
            "exp(P)",
            "tanh(P)",
            "sigmoid(2.0 * P)",
            "1.0 / (2.5 + P)",
            "sqrt(1.5 + P)",
            "max(P, 0.25)",
            "abs(P)",
            "(P)^2",
        ]);
        f.replace('P', &product)
    }

    fn guard(&mut self, used: &[usize]) -> Option<String> {
        if used.is_empty() {
            return None;
        }
        let (one, other) = (LABELS[self.random.pick(used)], LABELS[self.random.pick(used)]);
        Some(match self.random.below(6) {
            0 => format!("{one} <= {other}"),
            1 => format!("({one} + {other}) % 2 == 0"),
            2 => format!("{one} != 1"),
            _ => return None,
        })
    }

    /// The right side over these labels, and the labels of the left side.
    fn equation(&mut self) -> String {
        let mut used = Vec::new();
        let mut body = self.term(&mut used);
        if self.chance(40) {
            let sign = self.random.pick(&["+", "-"]);
            let _ = write!(body, " {sign} {}", self.term(&mut used));
        }
        used.sort_unstable();
        used.dedup();
        let guard = self.guard(&used);
        let zero = if self.real { "0.0" } else { "0" };
        let chosen = guard.is_some() && self.chance(30);
        if let Some(guard) = guard.as_ref().filter(|_| chosen) {
            body = format!("(if {guard} then {body} else {zero})");
        }
        let (left, summed): (Vec<usize>, Vec<usize>) = used.iter().partition(|_| self.random.below(2) == 0);
        let stated = |labels: &[usize]| labels.iter().map(|l| format!("{}: {}", LABELS[*l], self.sizes[*l])).collect::<Vec<_>>().join(", ");
        let guard = guard.filter(|_| !chosen).map_or(String::new(), |guard| format!(" where {guard}"));
        if !summed.is_empty() {
            body = format!("sum[{}{guard}]({body})", stated(&summed));
        }
        let left = if left.is_empty() { "y".to_owned() } else { format!("y[{}]", stated(&left)) };
        format!("{left} = {body};")
    }
}

/// The text of a program with the result `y`, which is not declared yet.
fn written(random: &mut Random, real: bool) -> (String, Vec<Operand>) {
    let sizes = (0..LABELS.len()).map(|_| random.pick(&[0, 1, 1, 2, 2, 3, 3, 4, 5])).collect();
    let mut writer = Writer { random, real, sizes, operands: Vec::new() };
    let equation = writer.equation();
    let left = equation.split(" = ").next().unwrap_or_default().to_owned();
    let axes: Vec<&str> = left.split(['[', ',', ']']).filter_map(|part| part.split(": ").nth(1)).collect();
    let axes = if axes.is_empty() { String::new() } else { format!("[{}]", axes.join(", ")) };
    let declared: Vec<&str> = writer.operands.iter().map(|operand| operand.declared.as_str()).collect();
    let ty = if real { "f64" } else { "i64" };
    let again = if writer.random.below(3) == 0 { "y" } else { "u" };
    let last = if again == "u" {
        // The result is a polynomial of it.
        let subs: Vec<&str> =
            left.split(['[', ',', ']']).filter_map(|part| part.trim().split(": ").next()).skip(1).filter(|s| !s.is_empty()).collect();
        let element = if subs.is_empty() { "u".to_owned() } else { format!("u[{}]", subs.join(", ")) };
        format!("  {left} = {element} * {element} - {element};\n")
    } else {
        String::new()
    };
    let equation = equation.replacen('y', again, 1);
    let source = format!("def f({}) -> y: secret {ty}{axes} {{\n  {equation}\n{last}}}", declared.join(", "));
    (source, writer.operands)
}

fn arrays(operands: &[Operand], random: &mut Random) -> Vec<(String, Tensor)> {
    let array = |operand: &Operand| {
        let integers = ArrayD::from_shape_simple_fn(operand.shape.clone(), || random.between(operand.range.0, operand.range.1));
        let tensor = if operand.dtype == DType::F64 {
            Tensor::from_array(&integers.mapv(|x| x as f64 / 8.0))
        } else {
            Tensor::from_array(&integers)
        };
        (operand.name.clone(), tensor.expect("fits"))
    };
    operands.iter().map(array).collect()
}

/// Whether every reason is one of the list.
fn is_refused(source: &str, error: &Error) -> bool {
    let codes: Vec<u16> = error.diagnostics().iter().map(|d| d.code.0).collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| REFUSALS.contains(code)), "{source}\n{}", error.render(false));
    true
}

/// Whether the program is planned; it is right then.
fn checked(source: &str, operands: &[Operand], random: &mut Random, contract: Contract) -> bool {
    let program = match Compiler::new().threads(1).compile(source) {
        Ok(program) => program,
        Err(error) => return !is_refused(source, &error),
    };
    let function = program.main_def().expect("a definition");
    let options = PackOptions { slots: random.pick(&[8, 32]), contract, ..PackOptions::default() };
    let arrays = arrays(operands, random);
    let inputs: Vec<(&str, TensorRef<'_>)> = arrays.iter().map(|(name, tensor)| (name.as_str(), tensor.into())).collect();
    let results = match function.simulate(&inputs, &[], &options) {
        Ok((_, results)) => results,
        Err(error) => return !is_refused(source, &error),
    };
    let clear = function.call(inputs).unwrap_or_else(|e| panic!("{source}\n{}", e.render(false)));
    let (wanted, got) = (clear.get("y").expect("the result"), &results[0].1);
    if wanted.dtype() != DType::F64 {
        assert_eq!(wanted.as_bytes(), got.as_bytes(), "{source}\n{contract:?}");
        return true;
    }
    let planned = function.planned(&[], &options, Available::default()).unwrap_or_else(|e| panic!("{source}\n{}", e.render(false)));
    let bound = planned.levels.and_then(|levels| levels.errors).map_or(f64::INFINITY, |errors| errors.results[0].bound);
    let (wanted, got) = (wanted.as_array::<f64>().expect("f64"), got.as_array::<f64>().expect("f64"));
    let worst = wanted.iter().zip(got).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= bound, "{worst} is beyond {bound}:\n{source}\n{contract:?}");
    true
}

fn all_are_right(seed: u64, n: usize, real: bool) {
    let mut random = Random::new(seed);
    let mut planned = 0;
    for k in 0..n {
        let (source, operands) = written(&mut random, real);
        let contract = if k % 2 == 0 { Contract::Free } else { Contract::Strict };
        planned += usize::from(checked(&source, &operands, &mut random, contract));
    }
    assert!(2 * planned > n, "{planned} of {n} were planned");
}

#[test]
fn programs_of_integers_are_exact_or_refused() {
    all_are_right(11, 40, false);
}

#[test]
fn programs_of_reals_are_within_their_bounds_or_refused() {
    all_are_right(12, 12, true);
}
