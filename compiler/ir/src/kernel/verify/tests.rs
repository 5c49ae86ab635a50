use super::*;
use crate::kernel::parse::parse;

/// The messages about a kernel of one task with this body.
fn messages(body: &str) -> Vec<String> {
    let text = format!(
        r#"kernels "t" {{
  arguments 2 strides 2 arena 64
  buffer b0 "x": f32 x 8 argument 0 strides 0..2
  buffer b1 "y": f32 x 8 argument 1 writable
  buffer b2 "t": f64 x 8 arena 0
  buffer b3 "m": bool x 8 arena 0
  fault f0 E0403 "division by zero"
  kernel k0 "y" tasks 1 task v0 {{
    local v0, v1, v2: i64
    local v3, v4: f32
    local v5, v6: f32x4
    local v7: bool
    local v8: boolx4
    local v9: i8
    local v10: f64
    {body}
  }}
}}"#
    );
    match verify(parse(&text).unwrap()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

fn check(body: &str, expected: &str) {
    let found = messages(body);
    assert!(found.len() == 1 && found[0].contains(expected), "{body}: {found:?} for {expected}");
}

#[test]
fn variables_are_set_before_they_are_used() {
    check("v3 = v4", "k0: v3 = v4: v4 is not set on every path to here");
    check("v7 = int 1 if v7 { v4 = f32 1.0 } v3 = v4", "v4 is not set");
    check("loop v1 in 0..v0 { v4 = f32 1.0 } v3 = v4", "v4 is not set");
    check("loop v1 in 0..4 { v3 = v4 v4 = f32 1.0 }", "v4 is not set");
    check("loop v1 in 0..4 { } v2 = v1", "v1 is not set");
    check("loop v1 in v2..4 { }", "v2 is not set");
    for good in [
        "v7 = int 1 if v7 { v4 = f32 1.0 } else { v4 = f32 2.0 } v3 = v4",
        "v7 = int 1 if v7 { v4 = f32 1.0 } else { fault f0 } v3 = v4",
        "loop v1 in 0..4 { v4 = f32 1.0 } v3 = v4",
        "v3 = f32 0.0 loop v1 in 0..v0 { v3 = add v3, v3 }",
    ] {
        assert_eq!(messages(good), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn loops_count_i64_variables_upwards() {
    check("loop v3 in 0..4 { }", "v3 is no i64");
    check("loop v1 in 0..4 step 0 { }", "the step 0 is less than 1");
    check("loop v1 in 0..4 { v1 = int 3 }", "v1 counts a loop");
    check("loop v1 in 0..4 { loop v1 in 0..4 { } }", "v1 counts another loop");
    check("v0 = int 3", "v0 counts a loop or the tasks");
    check("v3 = f32 0.0 if v3 { }", "v3 is f32, not bool");
}

#[test]
fn operations_have_types() {
    check("v3 = int 1", "no constant of type f32");
    check("v9 = int 255", "no constant of type i8");
    check("v7 = int 2", "no constant of type bool");
    check("v5 = f64 1.0", "no constant of type f32");
    check("v3 = f32 1.0 v5 = add v3, v3", "v3 is f32, not f32x4");
    check("v3 = f32 1.0 v3 = not v3", "not defined for f32");
    check("v1 = int 1 v1 = sqrt v1", "not defined for i64");
    check("v3 = f32 1.0 v3 = umin v3, v3", "not defined for f32");
    check("v1 = int 1 v1 = fma v1, v1, v1", "not defined for i64");
    check("v1 = int 1 v1 = div v1, v1", "not defined for i64");
    check("v3 = f32 1.0 v3 = splat v3", "no vector");
    check("v5 = f32 1.0 v3 = extract v5, 4", "f32x4 has no lane 4");
    check("v5 = f32 1.0 v7 = lt v5, v5", "the result is boolx4, not bool");
    check("v3 = f32 1.0 v7 = ult v3, v3", "not defined for f32");
    check("v7 = int 0 v5 = f32 1.0 v5 = select v7, v5, v5", "v7 is bool, not boolx4");
    check("v1 = int 1 v9 = sign_extend v1", "does not convert i64 to i8");
    check("v7 = int 1 v1 = sign_extend v7", "does not convert bool to i64");
    check("v5 = f32 1.0 v5 = call exp v5", "function of 1 scalars");
    check("v3 = f32 1.0 v3 = call pow v3", "function of 2 scalars");
    check("v99 = int 1", "v99 is not declared");
    assert_eq!(
        messages("v7 = int 1 v1 = zero_extend v7 v9 = wrap v1 v5 = f32 1.0 v8 = lt v5, v5 v5 = select v8, v5, v5"),
        Vec::<String>::new()
    );
}

#[test]
fn memory_is_typed_and_bounded() {
    check("v3 = load b2[0]", "b2 holds f64, not f32");
    check("v3 = load b0[8]", "b0 has 8 elements");
    check("v5 = load b1[5]", "b1 has 8 elements");
    check("v3 = load b0[-1]", "b0 has 8 elements");
    check("v3 = load b9[0]", "b9 is not declared");
    check("v3 = f32 1.0 store b0[0] = v3", "b0 is not writable");
    check("v3 = load b0[v0*s2]", "b0 has no run-time stride of axis 2");
    check("v3 = load b1[v0*s0]", "b1 has no run-time stride of axis 0");
    check("v3 = load b1[s0*1]", "b1 has no run-time stride");
    check("v3 = f32 1.0 v4 = load b0[v3]", "v3 is f32, not i64");
    check("v8 = load b3[0]", "a mask has no form in memory");
    check("fault f1", "f1 is not in the fault table");
    check("library v7 = (b2[0]) = det f64 batch 1 m 1 n 1 k 0 (b2[0], b2[0])", "`det` takes 1 operands");
    check(
        "gemm f16 1 x 1 x 1 dst b1[0] rows 1 columns 1 lhs b0[0] rows 1 columns 1 rhs b0[0] rows 1 columns 1",
        "no matrix product of f16",
    );
    check("gemm f32 1 x -1 x 1 dst b1[0] rows 1 columns 1 lhs b0[0] rows 1 columns 1 rhs b0[0] rows 1 columns 1", "extent -1 is negative");
    check("gemm f64 1 x 1 x 1 dst b2[0] rows 1 columns 1 lhs b0[0] rows 1 columns 1 rhs b2[0] rows 1 columns 1", "b0 holds f32, not f64");
    check("gemm f32 1 x 1 x 1 dst b0[0] rows 1 columns 1 lhs b0[0] rows 1 columns 1 rhs b0[0] rows 1 columns 1", "b0 is not writable");
    check(
        "gemm f32 1 x 1 x 1 dst b1[0] rows s0 columns 1 lhs b0[0] rows 1 columns 1 rhs b0[0] rows 1 columns 1",
        "b1 has no run-time stride",
    );
}

#[test]
fn buffers_are_where_they_can_be() {
    let buffer = |line: &str| {
        let text = format!(
            "kernels \"t\" {{ arguments 1 strides 2 arena 100 buffer b0 \"x\": {line} kernel k0 \"\" tasks 1 task v0 {{ local v0: i64 }} }}"
        );
        verify(parse(&text).unwrap()).map(|_| ()).map_err(|e| e[0].to_string())
    };
    assert_eq!(buffer("f32 x 8 argument 0 strides 0..2"), Ok(()));
    assert_eq!(buffer("f32 x 9 arena 64"), Ok(()));
    assert_eq!(buffer("i8 x 2 constant \"0011\""), Ok(()));
    assert_eq!(buffer("f32 x 8 argument 1"), Err("b0: there is no argument 1, only 1".to_owned()));
    assert_eq!(buffer("f32 x 8 argument 0 strides 1..3"), Err("b0: its strides end at 3, but there are 2".to_owned()));
    assert_eq!(buffer("f32 x 10 arena 64"), Err("b0: 40 bytes from 64 leave the arena of 100".to_owned()));
    assert_eq!(buffer("f32 x 1 arena 4"), Err("b0: its offset 4 is no multiple of 64".to_owned()));
    assert_eq!(buffer("i16 x 2 constant \"0011\""), Err("b0: 2 bytes for 4".to_owned()));
    let no_tasks = "kernels \"t\" { arguments 0 strides 0 arena 0 kernel k0 \"\" tasks 0 task v0 { local v0: f32x2 } }";
    let errors: Vec<String> = verify(parse(no_tasks).unwrap()).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(errors, ["k0: tasks: a kernel has at least one task", "k0: v0: f32x2 is no type", "k0: task: v0 is no i64 variable"]);
}

/// The messages about two kernels, the second of which reads a counter, under this schedule.
fn schedule_messages(schedule: &str) -> Vec<String> {
    let kernel = |n| format!("kernel k{n} \"\" tasks 1 task v0 {{ local v0, v1: i64");
    let text = format!(
        "kernels \"t\" {{ arguments 0 strides 0 arena 0 {} }} {} v1 = scalar 0 }} schedule {{ {schedule} }} }}",
        kernel(0),
        kernel(1)
    );
    match verify(parse(&text).unwrap()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn schedules_hold_every_kernel_and_give_counters_values() {
    assert_eq!(schedule_messages("k0 repeat s0 in 0..3 { k1 }"), Vec::<String>::new());
    assert_eq!(schedule_messages("k0 repeat s0 in 3..0 { repeat s1 in 0..2 reverse { k1 } k1 }"), Vec::<String>::new());
    for (schedule, expected) in [
        ("repeat s0 in 0..3 { k1 }", "k0: it is not in the schedule"),
        ("k0 repeat s0 in 0..3 { k1 } k1", "no repetition around the kernel counts s0"),
        ("k0 k1", "no repetition around the kernel counts s0"),
        ("k0 repeat s0 in 0..3 { k1 k2 }", "k2 is not declared"),
        ("k0 repeat s0 in 0..3 { repeat s0 in 0..3 { k1 } }", "s0 is no counter for a repetition inside of 1"),
        ("k0 repeat s0 in 0..3 { repeat s2 in 0..3 { k1 } }", "s2 is no counter for a repetition inside of 1"),
    ] {
        let found = schedule_messages(schedule);
        assert!(found.len() == 1 && found[0].contains(expected), "{schedule}: {found:?} for {expected}");
    }
}
