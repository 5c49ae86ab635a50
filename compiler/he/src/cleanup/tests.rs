use super::extract::{Choice, Dag};
use super::form::{Form, SlotGraph};
use super::rules::{RULES, saturate, saturate_by};
use super::{cleaned, is_better};
use crate::Costs;
use crate::builder::segments;
use crate::builder::{Builder, Makers};
use crate::program::Program;
use crate::tests::Random;
use egg::{Id, Language};
use ein_ir::dtype::DType;
use ein_ir::entity::{Ciphertext, Public};
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::verify::verify;
use ein_ir::packed::{InputDecl, Layout, Op, OutputDecl, Packed, PlainDecl, PlainValues, PublicDecl, PublicSource};
use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable};
use std::collections::{BTreeMap, BTreeSet};

const SLOTS: u32 = 8;

/// Operations over two secret vectors and a public one.
struct Sketch {
    builder: Builder,
    x: Ciphertext,
    y: Ciphertext,
    public: Public,
}

impl Sketch {
    fn new() -> Self {
        let mut builder = Builder::new(SLOTS);
        let input = |name: &str| InputDecl { name: name.to_owned(), dtype: DType::I64, layout: Layout::row_major(&[8], 3) };
        let [x, y] = ["x", "y"].map(|name| builder.packed.inputs.push(input(name)));
        let decl = PublicDecl { name: "w".to_owned(), dtype: DType::I64, shape: vec![8], source: PublicSource::Given };
        let public = builder.packed.publics.push(decl);
        let [x, y] = [x, y].map(|input| builder.op(Op::Input { input, chunk: 0 }));
        Self { builder, x, y, public }
    }

    fn rotate(&mut self, x: Ciphertext, by: i64) -> Ciphertext {
        self.builder.rotate(x, by)
    }

    fn add(&mut self, x: Ciphertext, y: Ciphertext) -> Ciphertext {
        self.builder.op(Op::Add(x, y))
    }

    fn mask(&mut self, x: Ciphertext, slots: &[u32]) -> Ciphertext {
        self.builder.mask(x, slots)
    }

    /// Times elements from `flat` on, in these slots.
    fn weighted(&mut self, x: Ciphertext, slots: std::ops::Range<u32>, flat: u64) -> Ciphertext {
        let plain = self.builder.elements(self.public, segments(slots.zip(flat..).collect()));
        self.builder.op(Op::MulPlain(x, plain))
    }

    fn product(&mut self, x: Ciphertext, y: Ciphertext) -> Ciphertext {
        let product = self.builder.op(Op::Mul(x, y));
        self.builder.op(Op::Relin(product))
    }

    /// `x + rot by x`
    fn doubled(&mut self, x: Ciphertext, by: i64) -> Ciphertext {
        let turned = self.rotate(x, by);
        self.add(x, turned)
    }

    fn finish(mut self, results: &[Ciphertext]) -> Packed {
        for (n, &value) in results.iter().enumerate() {
            let output = OutputDecl { name: format!("r{n}"), dtype: DType::I64, layout: Layout::row_major(&[8], 3), values: vec![value] };
            self.builder.packed.outputs.push(output);
        }
        self.builder.packed
    }
}

/// The smallest program in which a rule finds something.
fn sketch(rule: &str) -> (Packed, Makers) {
    let mut s = Sketch::new();
    let mut makers = Makers::default();
    let (x, y) = (s.x, s.y);
    let result = match rule {
        "rotation-of-rotation" => {
            let once = s.rotate(x, 3);
            s.rotate(once, 2)
        }
        "rotation-into-product" => {
            let (turned, weighted) = (s.rotate(x, 3), s.weighted(x, 0..6, 1));
            let other = s.rotate(weighted, 3);
            s.add(turned, other)
        }
        "rotation-into-sum" => {
            let turned = [x, y].map(|x| s.rotate(x, 3));
            let product = s.product(turned[0], turned[1]);
            let sum = s.add(x, y);
            let sum = s.rotate(sum, 3);
            s.product(sum, product)
        }
        "rotation-out-of-mul" => {
            let turned = [x, y].map(|x| s.rotate(x, 3));
            s.product(turned[0], turned[1])
        }
        "product-of-product" => {
            let weighted = s.weighted(x, 0..6, 1);
            s.mask(weighted, &[2, 3, 7])
        }
        "product-of-sum" => {
            let turned = s.rotate(x, 1);
            let (a, b) = (s.mask(x, &[0, 2, 4]), s.mask(turned, &[1, 3]));
            let sum = s.builder.op(Op::Sub(a, b));
            s.weighted(sum, 0..8, 0)
        }
        "relin-of-product" => {
            let product = s.product(x, y);
            s.weighted(product, 0..8, 0)
        }
        "sum-of-sum" => {
            let sum = s.add(x, y);
            let square = s.product(sum, sum);
            let other = s.rotate(square, 1);
            let three = s.add(sum, other);
            s.add(three, square)
        }
        "sum-in-sum" => {
            let sum = s.add(x, y);
            let turned = s.rotate(sum, 2);
            let x_on = s.add(x, turned);
            s.add(x_on, y)
        }
        "common-rotation" => {
            let (a, b) = (s.rotate(x, 2), s.rotate(y, 2));
            s.builder.op(Op::Sub(a, b))
        }
        "common-rotation-of-factors" => {
            let turned = [x, y].map(|x| s.rotate(x, 2));
            let (a, b) = (s.weighted(turned[0], 0..5, 0), s.mask(turned[1], &[5, 6]));
            s.add(a, b)
        }
        "common-doubling" => {
            let [a, b] = [x, y].map(|x| s.doubled(x, 1));
            let (a, b) = (s.doubled(a, 2), s.doubled(b, 2));
            makers.held = vec![(a, 0), (b, 1)];
            s.add(a, b)
        }
        "common-relin" => {
            let (square, product) = (s.product(x, x), s.product(x, y));
            s.add(square, product)
        }
        "common-plaintext" => {
            let (a, b) = (s.weighted(x, 0..4, 2), s.weighted(y, 0..4, 2));
            s.builder.op(Op::Sub(a, b))
        }
        "common-factor" => {
            let (a, b) = (s.weighted(x, 0..4, 0), s.weighted(x, 4..8, 4));
            s.add(a, b)
        }
        other => panic!("no sketch for {other}"),
    };
    (s.finish(&[result]), makers)
}

fn operands() -> Operands<i64> {
    let numbers = |seed: i64| (0..8).map(|n: i64| (n * 37 + seed * 101) % 19 - 9).collect();
    Operands { secrets: vec![numbers(1), numbers(2)], publics: vec![numbers(3)], seed: 5 }
}

/// A plaintext slot by slot.
fn encoded(plain: &PlainDecl, public: &[i64]) -> Vec<i64> {
    let mut slots = vec![0; SLOTS as usize];
    match &plain.values {
        PlainValues::Constant(number, runs) => {
            runs.iter().flat_map(|run| run.slots(SLOTS)).for_each(|slot| slots[slot] = *number as i64);
        }
        PlainValues::Elements(_, segments) => {
            let all = segments.iter().flat_map(|segment| segment.elements(SLOTS));
            all.for_each(|(slot, flat)| slots[slot] = public[usize::try_from(flat).unwrap()]);
        }
    }
    slots
}

/// What a node is, of values of classes.
fn value(graph: &SlotGraph<'_>, form: &Form, values: &BTreeMap<Id, Vec<i64>>) -> Option<Vec<i64>> {
    let operands = operands();
    let of: Option<Vec<&Vec<i64>>> = form.children().iter().map(|&child| values.get(&graph.egraph.find(child))).collect();
    let of = of?;
    let by_slot = |f: &dyn Fn(usize) -> i64| (0..SLOTS as usize).map(f).collect();
    let plain = |n: u32| encoded(graph.plains.get(n), &operands.publics[0]);
    Some(match *form {
        Form::Input(input, _) => operands.secrets[input as usize].clone(),
        Form::Rotate(by, _) => by_slot(&|n| of[0][(n + by as usize) % SLOTS as usize]),
        Form::Sum(_) => by_slot(&|n| of.iter().map(|x| x[n]).sum()),
        Form::Neg(_) => by_slot(&|n| -of[0][n]),
        Form::Plus(p, _) => by_slot(&|n| of[0][n] + plain(p)[n]),
        Form::Times(p, _) => by_slot(&|n| of[0][n] * plain(p)[n]),
        Form::Mul(_) => by_slot(&|n| of[0][n] * of[1][n]),
        Form::Relin(_) | Form::Pin(..) => of[0].clone(),
    })
}

/// All nodes of a class have one value.
fn is_sound(graph: &SlotGraph<'_>) {
    let mut values: BTreeMap<Id, Vec<i64>> = BTreeMap::new();
    loop {
        let before = values.len();
        for class in graph.egraph.classes() {
            let found = class.nodes.iter().find_map(|node| value(graph, node, &values));
            values.extend(found.map(|found| (class.id, found)));
        }
        if values.len() == before {
            break;
        }
    }
    for class in graph.egraph.classes() {
        for node in &class.nodes {
            assert_eq!(value(graph, node, &values).as_ref(), values.get(&class.id), "{node:?} in {:?}", class.nodes);
        }
    }
}

#[test]
fn each_rule_says_what_is_equal() {
    for rule in RULES {
        let (packed, makers) = sketch(rule.0);
        let mut graph = SlotGraph::of(&packed, &makers, &BTreeSet::new(), None);
        assert!(saturate_by(&mut graph, &[rule]), "{} finds nothing", rule.0);
        is_sound(&graph);
    }
}

/// Results of a program.
fn results(packed: &Packed) -> Vec<Vec<i64>> {
    slots::run(&verify(packed.clone()).unwrap(), &operands()).unwrap()
}

/// What rules find is worth it, together.
#[test]
fn sketches_become_lighter() {
    let mut lighter = Vec::new();
    for (rule, _) in RULES {
        let (packed, makers) = sketch(rule);
        if let Some((made, _)) = cleaned(&packed, (&Program::default(), &makers), false, &Costs::default()) {
            assert!(is_better(&made, &packed, &Costs::default()) && results(&made) == results(&packed), "{rule}");
            lighter.push(rule);
        }
    }
    // A relinearisation that waits for a product is no cheaper, and a sum in a sum only makes others possible.
    let rest: Vec<&str> = RULES.iter().map(|(rule, _)| *rule).filter(|rule| !lighter.contains(rule)).collect();
    assert_eq!(rest, ["relin-of-product", "sum-of-sum"]);
}

/// Random operations, of which some have much in common.
fn random_packed(random: &mut Random, n_ops: u64) -> Packed {
    let mut s = Sketch::new();
    let mut all = vec![s.x, s.y];
    for _ in 0..n_ops {
        let pick = |random: &mut Random, all: &[Ciphertext]| all[usize::try_from(random.below(all.len() as u64)).unwrap()];
        let (x, y) = (pick(random, &all), pick(random, &all));
        let by = [1, 1, 2, 4, -2][usize::try_from(random.below(5)).unwrap()];
        all.push(match random.below(9) {
            0..3 => s.rotate(x, by),
            3 => s.doubled(x, by),
            4 | 5 => s.add(x, y),
            6 => s.mask(x, &[[0, 1, 2, 3], [4, 5, 6, 7], [0, 2, 4, 6]][usize::try_from(random.below(3)).unwrap()]),
            7 => s.weighted(x, 0..4, random.below(2)),
            _ if x != y => s.builder.op(Op::Sub(x, y)),
            _ => s.product(x, y),
        });
    }
    let results = &all[all.len() - 2..];
    s.finish(results)
}

#[test]
fn random_operations_stay_what_they_are() {
    let mut random = Random(11);
    let mut n_lighter = 0;
    for _ in 0..150 {
        let packed = random_packed(&mut random, 14);
        let mut graph = SlotGraph::of(&packed, &Makers::default(), &BTreeSet::new(), None);
        saturate(&mut graph);
        is_sound(&graph);
        for keys in [false, true] {
            let Some((made, _)) = cleaned(&packed, (&Program::default(), &Makers::default()), keys, &Costs::default()) else { continue };
            n_lighter += 1;
            assert!(results(&made) == results(&packed), "{packed:?}");
            assert!(!keys || made.counts().keys <= packed.counts().keys);
            assert_eq!(
                Some(made),
                cleaned(&packed, (&Program::default(), &Makers::default()), keys, &Costs::default()).map(|(made, _)| made)
            );
        }
    }
    assert!(n_lighter > 50, "{n_lighter}");
}

/// The lightest plan of a graph, each class and each node a variable that is 0 or 1; levels of classes see to it that there is no circle.
fn exact(dag: &Dag) -> f64 {
    let n = dag.nodes.len() as f64;
    let mut variables = ProblemVariables::new();
    let classes: Vec<Variable> = dag.nodes.iter().map(|_| variables.add(variable().binary())).collect();
    let levels: Vec<Variable> = dag.nodes.iter().map(|_| variables.add(variable().min(0.0).max(n))).collect();
    let nodes: Vec<Vec<Variable>> = dag.nodes.iter().map(|all| all.iter().map(|_| variables.add(variable().binary())).collect()).collect();
    let priced = || dag.nodes.iter().flatten().zip(nodes.iter().flatten());
    let total: Expression = priced().map(|(node, variable)| node.cost.weigh(&Costs::default()) * *variable).sum();
    let mut model = variables.minimise(total).using(microlp);
    for &root in &dag.roots {
        model = model.with(constraint!(classes[root] == 1));
    }
    for (class, own) in nodes.iter().enumerate() {
        let had: Expression = own.iter().copied().sum();
        model = model.with(constraint!(had >= classes[class]));
        for (node, &variable) in dag.nodes[class].iter().zip(own) {
            for &child in &node.children {
                model = model.with(constraint!(classes[child] >= variable));
                model = model.with(constraint!(levels[class] >= levels[child] + 1 - (n + 1.0) * (1 - variable)));
            }
        }
    }
    let solution = model.solve().expect("a program has a plan");
    priced().filter(|(_, variable)| solution.value(**variable) > 0.5).map(|(node, _)| node.cost.weigh(&Costs::default())).sum()
}

#[test]
fn what_is_extracted_is_nearly_the_least() {
    let mut random = Random(17);
    let sketches: Vec<Packed> = RULES.iter().map(|(rule, _)| sketch(rule).0).collect();
    let programs = sketches.into_iter().chain((0..12).map(|_| random_packed(&mut random, 7)));
    let (mut found, mut least) = (0.0, 0.0);
    for packed in programs {
        let mut graph = SlotGraph::of(&packed, &Makers::default(), &BTreeSet::new(), None);
        saturate(&mut graph);
        let dag = Dag::of(&graph);
        if dag.nodes.iter().flatten().count() > 40 {
            continue;
        }
        let costs = Costs::default();
        let mut choice = Choice::given(&dag, &costs);
        choice.improve();
        let exact = exact(&dag);
        assert!(exact <= choice.cost.weigh(&Costs::default()) + 1e-6, "{exact} is more than {:?}", choice.cost);
        found += choice.cost.weigh(&Costs::default());
        least += exact;
    }
    assert!(found <= 1.05 * least, "{found} where {least} would do");
}
