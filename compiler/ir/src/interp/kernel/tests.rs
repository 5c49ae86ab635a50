use super::*;
use crate::kernel::parse::parse;
use crate::kernel::verify::verify;

fn module(text: &str) -> Verified<KernelModule> {
    verify(parse(text).unwrap()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn arg(values: &[f32]) -> ArgBuffer {
    ArgBuffer::contiguous(f32s(values))
}

fn floats(arg: &ArgBuffer) -> Vec<f32> {
    arg.bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

const MATMUL: &str = r#"kernels "matmul" {
  arguments 3 strides 4 arena 0
  buffer b0 "A": f32 x 6 argument 0 strides 0..2
  buffer b1 "B": f32 x 6 argument 1 strides 2..4
  buffer b2 "C": f32 x 4 argument 2 writable
  kernel k0 "C" tasks 2 task v0 {
    local v0, v1, v2: i64
    local v3, v4, v5: f32
    loop v1 in 0..2 {
      v3 = f32 0.0
      loop v2 in 0..3 {
        v4 = load b0[v0*s0 + v2*s1]
        v5 = load b1[v2*s0 + v1*s1]
        v3 = fma v4, v5, v3
      }
      store b2[v0*2 + v1] = v3
    }
  }
}"#;

#[test]
fn a_matrix_product_on_strided_arguments() {
    // A row-major; B transposed, and its columns backwards.
    let a = ArgBuffer { strides: vec![3, 1], ..arg(&[1., 2., 3., 4., 5., 6.]) };
    let b = ArgBuffer { strides: vec![1, -3], origin: 12, ..arg(&[8., 10., 12., 7., 9., 11.]) };
    let mut args = [a, b, arg(&[0.; 4])];
    run(&module(MATMUL), &mut args).unwrap();
    assert_eq!(floats(&args[2]), [58., 64., 139., 154.]);
}

#[test]
fn vectors_with_a_tail() {
    let text = r#"kernels "axpy" {
  arguments 2 strides 0 arena 64
  buffer b0 "x": f32 x 6 argument 0
  buffer b1 "y": f32 x 6 argument 1 writable
  buffer b2 "a": f32 x 1 constant "00000040"
  buffer b3 "t": f32 x 6 arena 0
  kernel k0 "t" tasks 1 task v0 {
    local v0, v1: i64
    local v2, v3: f32
    local v4, v5, v6: f32x4
    local v7: boolx4
    v2 = load b2[0]
    v4 = splat v2
    v6 = f32 -1.0
    loop v1 in 0..4 step 4 {
      v5 = load b0[v1]
      v5 = mul v5, v4
      v7 = gt v5, v6
      v5 = select v7, v5, v6
      store b3[v1] = v5
    }
    loop v1 in 4..6 {
      v3 = load b0[v1]
      v3 = mul v3, v2
      store b3[v1] = v3
    }
  }
  kernel k1 "y" tasks 3 task v0 {
    local v0: i64
    local v1, v2: f32
    v1 = load b3[v0*2]
    v2 = load b3[v0*2 + 1]
    store b1[v0*2] = v2
    store b1[v0*2 + 1] = v1
  }
}"#;
    let mut args = [arg(&[1., -2., 3., 4., -5., 6.]), arg(&[0.; 6])];
    run(&module(text), &mut args).unwrap();
    assert_eq!(floats(&args[1]), [-1., 2., 8., 6., 12., -10.]);
}

#[test]
fn library_products() {
    let text = |accumulate: &str, dtype: &str| {
        format!(
            r#"kernels "g" {{
  arguments 3 strides 0 arena 0
  buffer b0 "A": f32 x 4 argument 0
  buffer b1 "B": f32 x 4 argument 1
  buffer b2 "C": f32 x 4 argument 2 writable
  kernel k0 "C" tasks 1 task v0 {{
    local v0: i64
    gemm {dtype} {accumulate}
      dst b2[0] rows 1 columns 2
      lhs b0[0] rows 2 columns 1
      rhs b1[0] rows 2 columns 1
  }}
}}"#
        )
    };
    let product = |accumulate: &str, dtype: &str| {
        let mut args = [arg(&[1., 2., 3., 4.]), arg(&[5., 6., 7., 8.]), arg(&[1.; 4])];
        run(&module(&text(accumulate, dtype)), &mut args).map(|_| floats(&args[2]))
    };
    // The result is stored column by column.
    assert_eq!(product("2 x 2 x 2", "f32").unwrap(), [19., 43., 22., 50.]);
    assert_eq!(product("2 x 2 x 2 accumulate", "f32").unwrap(), [20., 44., 23., 51.]);
    assert_eq!(product("2 x 2 x 0", "f32").unwrap(), [0.; 4]);
    // (1 + 2i)(5 + 6i) + (3 + 4i)(7 + 8i) is out of bounds for the right operand; one term is not.
    assert_eq!(product("1 x 1 x 1", "c64").unwrap(), [-7., 16., 1., 1.]);
    let Err(Stop::Error(error)) = product("1 x 1 x 2", "c64") else { panic!("out of bounds") };
    assert_eq!(error.message, "element 4 of b1 \"B\" is out of bounds: it has 4");
}

fn one_kernel(tasks: u32, body: &str) -> Result<Vec<f32>, Stop> {
    let text = format!(
        r#"kernels "k" {{
  arguments 1 strides 0 arena 64
  buffer b0 "y": f32 x 4 argument 0 writable
  buffer b1 "t": f32 x 4 arena 0
  fault f0 E0403 "division by zero"
  kernel k0 "y" tasks {tasks} task v0 {{
    local v0, v1: i64
    local v2: f32
    local v3: bool
    v2 = f32 1.0
    {body}
  }}
}}"#
    );
    let mut args = [arg(&[0.; 4])];
    run(&module(&text), &mut args).map(|_| floats(&args[0]))
}

#[test]
fn what_compiled_code_must_never_do_is_an_error() {
    let message = |tasks, body| match one_kernel(tasks, body) {
        Err(Stop::Error(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(1, "loop v1 in 3..9 { store b0[v1] = v2 }"),
        "k0 task 0: store b0[v1] = v2: element 4 of b0 \"y\" is out of bounds: it has 4"
    );
    assert!(message(1, "v2 = load b1[v0 - 1]").contains("element -1 of b1"));
    assert!(message(1, "v1 = sdiv v0, v0").contains("the divisor is 0"));
    assert!(message(2, "store b0[0] = v2").contains("task 0 wrote element 0 of b0"));
    assert!(message(2, "store b0[v0] = v2 v2 = load b0[0]").contains("the tasks are not independent"));
    let mut few = [arg(&[0.; 3])];
    let text = "kernels \"k\" { arguments 1 strides 0 arena 0 buffer b0 \"y\": f32 x 4 argument 0 }";
    assert!(run(&module(text), &mut few).is_err());
}

#[test]
fn faults_end_a_run() {
    let body = "v1 = int 2 v3 = eq v0, v1 if v3 { fault f0 } store b0[v0] = v2";
    assert_eq!(one_kernel(2, body).unwrap(), [1., 1., 0., 0.]);
    assert_eq!(one_kernel(4, body), Err(Stop::Fault(Fault::from_u32(0))));
}

#[test]
fn unwritten_memory_is_nan() {
    let out = one_kernel(1, "v2 = load b1[0] store b0[0] = v2").unwrap();
    assert!(out[0].is_nan());
}

#[test]
fn repetitions_count_for_the_kernels_in_them() {
    let text = r#"kernels "digits" {
  arguments 1 strides 0 arena 0
  buffer b0 "n": i64 x 1 argument 0 writable
  kernel k0 "n" tasks 1 task v0 {
    local v0, v1, v2, v3: i64
    v1 = scalar 0
    v2 = scalar 1
    v3 = load b0[0]
    v1 = mul v1, v2
    v2 = int 100
    v3 = mul v3, v2
    v3 = add v3, v1
    store b0[0] = v3
  }
  schedule {
    repeat s0 in 1..3 {
      repeat s1 in 4..6 reverse {
        k0
      }
    }
  }
}"#;
    let mut args = [ArgBuffer::contiguous(vec![0; 8])];
    run(&module(text), &mut args).unwrap();
    assert_eq!(i64::from_le_bytes(args[0].bytes[..].try_into().unwrap()), 5_041_008);
}
