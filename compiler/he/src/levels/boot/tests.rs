use super::Available;
use super::place::Graph;
use crate::levels::{drawn, plan_reals};
use crate::planner::Options;
use crate::program::{Origin, Program};
use crate::search::Contract;
use crate::tests::{Random, einsum, then};
use ein_ir::dtype::DType;
use ein_ir::interp::slots::{self, Operands};
use ein_ir::packed::level::levels;
use ein_ir::packed::{Op, parse, print};

/// A few inputs, and values of one or two before them.
fn graph(random: &mut Random, n: u64) -> Graph {
    let (mut args, mut multiplies, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for id in 0..n {
        let recent = |random: &mut Random| usize::try_from(id - 1 - random.below(id.min(4))).unwrap();
        let of: Vec<usize> = if id < 2 { Vec::new() } else { (0..1 + random.below(2)).map(|_| recent(random)).collect() };
        multiplies.push(!of.is_empty() && random.below(3) > 0);
        args.push(of);
        weights.push((random.below(6) > 0).then(|| 1000 + random.below(3)));
    }
    let after = 1 + i64::try_from(random.below(3)).unwrap();
    Graph::new(args, multiplies, weights, after + i64::try_from(random.below(2)).unwrap(), after)
}

/// The least weight of all choices.
fn exhaustive(graph: &Graph) -> Option<u64> {
    let may: Vec<usize> = (0..graph.weights.len()).filter(|&id| graph.weights[id].is_some()).collect();
    let choices = (0..1_u32 << may.len()).filter_map(|set| {
        let mut boots = vec![false; graph.weights.len()];
        may.iter().enumerate().for_each(|(n, &id)| boots[id] = set >> n & 1 == 1);
        graph.is_enough(&boots).then(|| graph.weight(&boots))
    });
    choices.min()
}

#[test]
fn no_choice_of_values_is_lighter() {
    let mut random = Random(29);
    let (mut needed, mut impossible, mut layers, mut least) = (0, 0, 0, 0);
    for _ in 0..400 {
        let graph = graph(&mut random, 13);
        let exact = exhaustive(&graph);
        let placed = graph.place();
        assert!(placed.as_ref().is_none_or(|boots| graph.is_enough(boots)), "{graph:?}");
        if let Some(placed) = &placed {
            assert_eq!(Some(graph.weight(placed)), exact, "{graph:?}");
        }
        // The layers may fail to find what a longer search would.
        impossible += usize::from(placed.is_none() && exact.is_some());
        needed += usize::from(exact.is_some_and(|weight| weight > 0));
        if let (Some(layered), Some(exact)) = (graph.layered(), exact) {
            (layers, least) = (layers + graph.weight(&layered), least + exact);
        }
    }
    assert!(needed > 150 && impossible == 0, "{needed} need some, {impossible} are missed");
    assert!(layers as f64 <= 1.05 * least as f64, "{layers} in layers where {least} would do");
}

/// `x`, and its square again and again.
fn squares(n: usize) -> Program {
    let mut program = einsum("i,i->i", &[&[8], &[8]], "cc");
    program.tensors.truncate(1);
    (0..n).for_each(|k| program = then(&program, "i,i->i", &[k, k]));
    program.results = vec![n];
    program.tensors.iter_mut().for_each(|tensor| tensor.dtype = DType::F64);
    program
}

#[test]
fn a_chain_is_bootstrapped_as_often_as_it_must_be() {
    let options = Options::new(Contract::Free, 3);
    let operands = Operands { secrets: vec![(0..8).map(|k| 0.9 + 0.01 * f64::from(k)).collect()], publics: vec![], seed: 5 };
    let exact = slots::run(&plan_reals(&squares(7), &options, Available::default()).unwrap().packed, &operands).unwrap();
    for (fresh, after, boots) in [(7, 3, 0), (4, 3, 1), (3, 3, 2), (3, 1, 4), (1, 1, 6)] {
        let available = Available { levels: Some(fresh), after_boot: Some(after) };
        let reals = plan_reals(&squares(7), &options, available).unwrap_or_else(|e| panic!("{e:?}"));
        let counts = reals.packed.counts();
        assert_eq!((counts.boots, counts.mulcc), (boots, 7), "{available:?}");
        assert!(reals.levels.needed <= fresh && levels(&reals.packed, reals.levels.needed).is_ok());
        assert_eq!(reals.levels.boots.iter().map(|refreshed| refreshed.boots as usize).sum::<usize>(), boots);
        let text = print::print(&reals.packed);
        assert_eq!(parse::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}")), *reals.packed);
        // Values pass through, and the noise of a bootstrapping is within the bound.
        assert_eq!(slots::run(&reals.packed, &operands).unwrap(), exact);
        let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, 3).unwrap();
        let bound = reals.levels.errors.as_ref().unwrap().results[0].bound;
        let error = noisy[0].iter().zip(&exact[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error <= bound && (boots == 0 || error > 1e-9), "{error} within {bound}");
    }
}

#[test]
fn layouts_and_operations_stay() {
    let mut program = einsum("ij,jk->ik", &[&[4, 4], &[4, 4]], "cp");
    for n in 0..4 {
        program = then(&program, "ij,ij->ij", &[2 + n, 2 + n]);
    }
    program.results = vec![6];
    program.ranges.insert(0, (-0.25, 0.25));
    program.tensors.iter_mut().for_each(|tensor| tensor.dtype = DType::F64);
    let options = Options::new(Contract::Strict, 5);
    let [plain, booted] = [None, Some(2)].map(|after| {
        let available = Available { levels: after.map(|_| 3), after_boot: after };
        plan_reals(&program, &options, available).unwrap_or_else(|e| panic!("{e:?}")).packed
    });
    let layouts = |packed: &ein_ir::packed::Packed| -> Vec<_> {
        let inputs = packed.inputs.values().map(|input| input.layout.clone());
        inputs.chain(packed.outputs.iter().map(|output| output.layout.clone())).collect()
    };
    assert_eq!(layouts(&plain), layouts(&booted));
    let (before, after) = (plain.counts(), booted.counts());
    assert!(after.boots > 0 && before.boots == 0);
    let operations =
        |counts: ein_ir::packed::Counts| (counts.rotations, counts.mulcc, counts.mulcp, counts.adds, counts.relins, counts.depth);
    assert_eq!(operations(before), operations(after));
}

/// Values that grow beyond what any modulus holds cannot be bootstrapped, and it is said.
#[test]
fn values_beyond_all_moduli_are_not_bootstrapped() {
    let mut program = squares(7);
    program.ranges.insert(0, (0.0, 100.0));
    assert!(matches!(program.tensors[0].origin, Origin::Secret));
    let available = Available { levels: Some(4), after_boot: Some(3) };
    let refused = plan_reals(&program, &Options::new(Contract::Free, 3), available).expect_err("numbers of 2^425");
    assert!(refused[0].code.0 == 711 && refused[0].message.contains("cannot be bootstrapped"), "{refused:?}");
    assert!(refused[0].notes.iter().any(|note| note.contains("2^99")), "{refused:?}");
    // With a level after each bootstrapping there is none for large numbers.
    program.ranges.insert(0, (0.0, 1.5));
    let available = Available { levels: Some(4), after_boot: Some(2) };
    let refused = plan_reals(&program, &Options::new(Contract::Free, 3), available).expect_err("numbers of 2^74");
    assert!(refused[0].code.0 == 711 && refused[0].notes.iter().any(|note| note.contains("3.5e22")), "{refused:?}");
    assert!(refused[0].help.as_ref().is_some_and(|help| help.contains("`--levels 9`, `--bootstrap 3`")), "{refused:?}");
}

/// Large values are bootstrapped where moduli are left for them, and the markers say how large they are.
#[test]
fn large_values_are_bootstrapped_with_moduli_to_spare() {
    let mut program = squares(7);
    let options = Options::new(Contract::Free, 3);
    for (largest, (fresh, after), (spare, bits)) in [
        (1.05, (4, 3), (0, &[2][..])),
        // A result of 2^75 is no number of level 0, nor is 2^37, which is bootstrapped before the last square.
        (1.5, (4, 3), (2, &[3, 5, 10, 19, 38])),
        (1.5, (5, 4), (2, &[5, 19])),
        (4.0, (8, 7), (6, &[9, 17, 33, 65, 129])),
    ] {
        program.ranges.insert(0, (0.0, largest));
        let available = Available { levels: Some(fresh), after_boot: Some(after) };
        let reals = plan_reals(&program, &options, available).unwrap_or_else(|e| panic!("{largest}: {e:?}"));
        let boots =
            reals.packed.ops.values().filter_map(|op| if let Op::Boot { level, bits, .. } = *op { Some((level, bits)) } else { None });
        let (to, found): (Vec<u32>, Vec<u32>) = boots.unzip();
        assert_eq!((reals.levels.spare, &found[..]), (spare, bits), "{largest}: {}", print::print(&reals.packed));
        assert!(to.iter().all(|level| *level == after) && reals.levels.needed <= fresh, "{largest}: {to:?}");
        // What is bootstrapped fits where it is, and has a level for the product that makes it small if it must be.
        let levels = levels(&reals.packed, reals.levels.needed).unwrap();
        for op in reals.packed.ops.values() {
            let Op::Boot { x, bits, .. } = *op else { continue };
            assert!(f64::from(bits) <= 19.0 + 40.0 * f64::from(levels[x].level), "{largest}: {bits} at {}", levels[x]);
        }
        let operands =
            Operands { secrets: vec![(0..8).map(|k| largest * (1.0 - 0.001 * f64::from(k))).collect()], publics: vec![], seed: 5 };
        let exact = slots::run(&reals.packed, &operands).unwrap();
        let bound = reals.levels.errors.as_ref().unwrap().results[0].bound;
        for seed in 0..4 {
            let noisy = drawn::run(&reals.packed, &reals.levels.parameters, &operands, seed).unwrap();
            let error = noisy[0].iter().zip(&exact[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(error <= bound && error > 1e-9 * bound, "{error:e} within {bound:e}");
        }
    }
}
