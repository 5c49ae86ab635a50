//! Plans against the same programs as they are written.

use ein_ir::plan::{StepDecl, StepKind};
use ein_ir::tensor::Module;
use ein_ir::verified::Verified;
use ein_opt::{Minimize, Options};
use ein_tests::cases::{Case, files};
use ein_tests::generate::{self, Generated};
use ein_tests::oracle;

/// Whether the plan has no more flops than the program; `None` where it cannot be planned.
fn is_no_dearer(module: &Verified<Module>) -> Option<bool> {
    let flops = |opt_level: u8| {
        let strided_inputs = vec![false; module.params.len()];
        let options = Options { opt_level, minimize: Minimize::Flops, strided_inputs, ..Options::default() };
        ein_opt::plan(module, &options).ok().map(|plan| plan.steps.values().map(|step| step.flops).fold(0, u64::saturating_add))
    };
    Some(flops(1)? <= flops(0)?)
}

fn generated(program: &Generated) -> Option<bool> {
    let shapes: Vec<&[usize]> = program.inputs.iter().map(|(_, _, shape)| shape.as_slice()).collect();
    let module = oracle::module_for(&program.source, None, &shapes).expect("generated programs are right");
    is_no_dearer(&oracle::specialise(&module, &shapes, &program.sizes).expect("their sizes fit"))
}

#[test]
fn no_plan_of_a_random_program_has_more_flops() {
    for program in (0..150).flat_map(|seed| [generate::program(seed), generate::scans(seed)]) {
        assert_eq!(generated(&program), Some(true), "{}", program.source);
    }
}

#[test]
fn no_plan_of_a_program_of_the_language_has_more_flops() {
    let mut n = 0;
    for case in files("language").iter().map(|file| Case::read(file)) {
        let Ok(module) = oracle::module(&case.source, None) else { continue };
        let Ok(sizes) = ein_ir::tensor::specialise::infer_sizes(&module, &vec![None; module.params.len()], &case.sizes) else { continue };
        let Ok(module) = ein_ir::tensor::specialise::specialise(&module, &sizes) else { continue };
        assert_ne!(is_no_dearer(&module), Some(false), "{}", case.path.display());
        n += 1;
    }
    assert!(n > 40, "{n} programs have their sizes");
}

/// Flops of the matrix products of a def of the attention module, under a limit of memory.
fn flops_of_products(def: &str, length: usize, memory_limit: Option<u64>) -> u64 {
    fn of_step(step: &StepDecl) -> u64 {
        match &step.kind {
            StepKind::Contraction(_) => step.flops,
            StepKind::Scan(scan) => scan.body.iter().map(of_step).sum::<u64>() * scan.n_turns(),
            _ => 0,
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../compiler/syntax/std/attention.ein");
    let source = std::fs::read_to_string(path).expect("it is there");
    let shape: &[usize] = &[1, 2, length, 64];
    let module = oracle::module_for(&source, Some(def), &[shape; 3]).expect("it is right");
    let module = oracle::specialise(&module, &[shape; 3], &[]).expect("the sizes fit");
    let options = Options { strided_inputs: vec![false; 3], memory_limit, ..Options::default() };
    let plan = ein_opt::plan(&module, &options).expect("it has a plan");
    assert!(memory_limit.is_none_or(|limit| plan.peak().base <= limit));
    plan.steps.values().map(of_step).sum()
}

/// Scores that nobody reads are not computed, nor are weights that are 0 multiplied, beyond the blocks at the diagonal: in blocks of a memory limit as well.
#[test]
fn causal_attention_is_half_of_attention() {
    for (length, limit) in [(1024, None), (1024, Some(4 << 20)), (1000, Some(3 << 20))] {
        let (all, causal) = (flops_of_products("attention", length, limit), flops_of_products("causal_attention", length, limit));
        let part = causal as f64 / all as f64;
        assert!((0.5..0.57).contains(&part), "{causal} of {all} at {length}, {limit:?}");
    }
}
