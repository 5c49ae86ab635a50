use super::*;
use crate::kernel::print::print;
use crate::kernel::verify::verify;

/// Every form of the text.
pub(crate) const EVERYTHING: &str = r#"kernels "every \"thing\"" {
  arguments 3 strides 4 arena 192
  buffer b0 "A": f32 x 64 argument 0 strides 0..2
  buffer b1 "n": i64 x 8 argument 1
  buffer b2 "C": f32 x 64 argument 2 writable
  buffer b3 "t": f64 x 16 arena 64
  buffer b4 "w": i16 x 2 constant "0100ff7f"
  fault f0 E0403 "division by zero" @3..9
  fault f1 E0307 "empty axis" @1:0..2
  kernel k0 "C" tasks 2 task v0 @30..60 {
    local v0, v1, v2: i64
    local v3, v4: f32x4
    local v5: f32
    local v6: f64
    local v7: bool
    local v8: boolx4
    local v9: i32x4
    local v10: i16
    v5 = f32 0.1
    v5 = f32 -0.0
    v5 = f32 inf
    v5 = f32 bits 0x7fc00001
    v6 = f64 1e-300
    v6 = f64 nan
    v2 = int -9223372036854775808
    v7 = int 1
    v9 = int -1
    v3 = splat v5
    loop v1 in 0..8 step 4 {
      v4 = load b0[v1*s1 + v0*2*s0 + v2*-8 + v1 + s0*3 + s1*-1 - 4]
      v4 = load b0[v1]
      v3 = fma v3, v4, v3
      v5 = extract v3, 3
      store b2[v1*4 + v0 + 3] = v4
      store b2[0] = v5
      loop v2 in v1..v0 {
        v10 = load b4[1]
      }
    }
    v5 = call exp v5
    v5 = call pow v5, v5
    v5 = neg v5
    v9 = not v9
    v8 = lt v3, v4
    v3 = select v8, v3, v4
    v3 = signed_to_float v9
    v7 = uge v0, v0
    if v7 {
      fault f0
    } else {
      v1 = v0
    }
    if v7 {
    }
    v10 = load b4[0]
    v2 = sign_extend v10
    v2 = sdiv v1, v2
    gemm f32 8 x v2 x 0 accumulate
      dst b2[v0*8] rows 8 columns 1
      lhs b0[0] rows s0 columns s1
      rhs b0[v0*s0] rows -8 columns 0
    copy b2[v0*8] = b0[v0*s0 + 1] count v2
  }
  kernel k1 "" tasks 1 task v0 {
    local v0, v1: i64
    v1 = scalar 1
    v1 = scalar 0
  }
  schedule {
    k0
    repeat s0 in -2..5 {
      repeat s1 in 3..8 reverse {
        k1
      }
      k0
    }
  }
}
"#;

#[test]
fn the_text_form_round_trips() {
    let module = parse(EVERYTHING).unwrap();
    assert_eq!(print(&module), EVERYTHING);
    assert_eq!(parse(&print(&module)).unwrap(), module);
    assert_eq!(module.kernels.len(), 2);
    assert!(matches!(&module.kernels[crate::entity::Kernel::from_u32(0)].body[3], Stmt::Set(_, Op::Const(OpConst::F32(0x7fc0_0001)))));
    if let Err(errors) = verify(module) {
        panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>());
    }
}

#[test]
fn mistakes_name_their_line() {
    for (from, to) in [
        ("v5 = extract v3, 3", "v5 = extract v3, 300"),
        ("f64 x 16 arena", "f65 x 16 arena"),
        ("loop v1 in 0..8", "loop v1 in 0,8"),
        ("fault f1", "fault f2"),
        ("v7 = uge v0, v0", "v7 = uge v0"),
        ("\"0100ff7f\"", "\"0100ff7\""),
        ("repeat s1", "repeat b1"),
    ] {
        let line = EVERYTHING[..EVERYTHING.find(from).unwrap()].lines().count();
        assert_eq!(parse(&EVERYTHING.replacen(from, to, 1)).unwrap_err().line, line, "{to}");
    }
    assert!(parse(&EVERYTHING[..EVERYTHING.len() - 3]).is_err());
}
