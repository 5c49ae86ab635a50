//! The text of the code.

use super::harness::{Builder, at, count};
use crate::emit;
use crate::target::{Cpu, Target};
use ein_ir::kernel::{BinaryOp, KernelModule, MathFn, Op, Place, ScalarType, Stmt, Type};
use ein_ir::verified::Verified;

/// `out[i] = exp(a[i] * constant[i])` in one kernel, and a copy with a stride of 5 in a second.
fn sample() -> Verified<KernelModule> {
    let mut b = Builder::new("sample");
    let (input, out) = (b.input(ScalarType::F32, 64), b.output(ScalarType::F32, 64));
    let constant = b.buffer("c", ScalarType::F32, 64, Place::Constant(vec![0; 256]));
    let f32 = Type::scalar(ScalarType::F32);
    let (i, x, y) = (b.index(), b.local(f32), b.local(f32));
    let body = vec![
        Stmt::Set(x, Op::Load(at(input, 0, &[(i, 1)]))),
        Stmt::Set(y, Op::Load(at(constant, 0, &[(i, 1)]))),
        Stmt::Set(x, Op::Binary(BinaryOp::Mul, x, y)),
        Stmt::Set(x, Op::Call(MathFn::Exp, vec![x])),
        Stmt::Store(at(out, 0, &[(i, 1)]), x),
    ];
    b.kernel(1, vec![count(i, 0, 64, 1, body)]);
    let (i, j, v) = (b.index(), b.index(), b.local(f32));
    let body = vec![Stmt::Set(v, Op::Load(at(input, 3, &[(i, 20), (j, 5)]))), Stmt::Store(at(out, 0, &[(i, 4), (j, 1)]), v)];
    b.kernel(3, vec![count(i, 0, 3, 1, vec![count(j, 0, 4, 1, body)])]);
    b.verified()
}

#[test]
fn text_is_stable_and_names_everything() {
    for cpu in Cpu::ALL {
        let target = Target { cpu };
        let (clif, asm) = (emit::clif(&sample(), target).unwrap(), emit::asm(&sample(), target).unwrap());
        assert_eq!((&clif, &asm), (&emit::clif(&sample(), target).unwrap(), &emit::asm(&sample(), target).unwrap()));
        for text in [&clif, &asm] {
            for name in ["ein_exp_f32", "k0_step_0", "k1_step_1", "entry", "b2"] {
                assert!(text.contains(name), "{name} is not in\n{text}");
            }
        }
    }
}

#[test]
fn no_loop_multiplies_an_address() {
    let asm = emit::asm(&sample(), Target { cpu: Cpu::X86_64V3 }).unwrap();
    assert!(!asm.contains("imul"), "{asm}");
    let clif = emit::clif(&sample(), Target { cpu: Cpu::X86_64V3 }).unwrap();
    assert!(!clif.contains("imul"), "{clif}");
}
