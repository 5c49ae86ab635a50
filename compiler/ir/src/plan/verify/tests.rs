//! Round trips of the text form, and one broken plan an invariant.

use super::verify;
use crate::plan::parse::parse;

/// A plan that exercises every form.
const EVERYTHING: &str = r#"plan "everything" target "cpu" opt 1 objective "time" machine "default" path written memory_limit 4096 seed 7 truncated
arena 768
buffer t0 "A" f32[8, 4] input 0 strided live s0..s0 @3..9
buffer t1 "B" f32[4, 8] input 1 live s0..s1
buffer t2 "ids" i32[8, 2] input 2 index_of [3, 4]
buffer t3 "w" f32[2] constant [1.0, -0.5] live s1..s1
buffer t4 "AB" f32[8, 8] arena 0 permuted [1, 0] live s0..s2
buffer t5 "y" f32[8] arena 256 live s1..s3
buffer t6 "g" f32[8] arena 512 live s2..s3
buffer t7 "h" f32[8] output 0 live s3..s4
buffer t8 "prev g" f32[8] arena 576 live s3..s3
buffer t9 "top" f32[3] output 1 live s4..s4
buffer t10 "where" i64[3] arena 512 live s4..s4
buffer t11 "work" f32[16] arena 640 live s4..s4
buffer t12 "hs" f32[8, 8] output 2 live s3..s3
fault f0 E0601 "division by 0 in `y`" @12..17
inputs (t0, t1, t2)
outputs (t7, t9, t12)
s0 = contract t4[0, 1] += t0[0, 2] * conj t1[2, 1] extents [8, 8, 4] acc f32 strategy gemm flops 512 bytes 512 @12..17
s1 = nest t5[i0] over (i0 "i" 0..8, i1 "k" 0..2) = max:f32[i1 where (i1 < i0)]((t3[i1] * t1[(i1 + 2), i0])) then sqrt(acc) flops 64 bytes 288
s2 = nest t6[i0] over (i0 "i" 0..8) where (i0 < 4) = t4[i0, (7 - i0)] flops 64 bytes 288 @1:20..30
s3 = scan i0 "t" 0..8 reverse linear states (t6 prev t8 apart [0]) flops 8 bytes 8 @31..99 {
  nest t6[i1] over (i0 "t" 0..8, i1 "j" 0..8) = (t8[i1] + t5[i0]) flops 2 bytes 8
  nest t7[i1] over (i0 "t" 0..8, i1 "j" 0..8) = t6[i1] flops 0 bytes 8
  nest t12[i1, i0] over (i0 "t" 0..8, i1 "j" 0..8) = t7[i1] flops 0 bytes 8
}
s4 = library (t9, t10) = top_k(t7) {"k": 3} workspace t11 flops 8 bytes 8
"#;

fn messages(text: &str) -> Vec<String> {
    let plan = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    verify(plan).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Replaces one passage of the plan above, and expects a broken invariant that says this.
fn refuse(passage: &str, replacement: &str, expected: &str) {
    assert!(EVERYTHING.contains(passage), "no `{passage}`");
    let found = messages(&EVERYTHING.replacen(passage, replacement, 1));
    assert!(found.iter().any(|m| m.contains(expected)), "`{replacement}` for `{passage}`: {found:#?}");
}

#[test]
fn the_text_form_reads_back() {
    let plan = parse(EVERYTHING).unwrap();
    assert_eq!(plan.to_string(), EVERYTHING);
    let (mut once, mut twice) = (plan.clone(), parse(&plan.to_string()).unwrap());
    assert_eq!(once, twice);
    once.erase_spans();
    twice.erase_spans();
    assert_eq!(once, twice);
    assert_eq!(once.to_string(), EVERYTHING);
}

#[test]
fn the_plan_is_valid() {
    assert_eq!(messages(EVERYTHING), Vec::<String>::new());
}

#[test]
fn arguments_stand_where_they_say() {
    refuse("inputs (t0, t1, t2)", "inputs (t1, t0, t2)", "t1: is listed as Input(0)");
    refuse("inputs (t0, t1, t2)", "inputs (t0, t1)", "t2: is not listed as Input(2)");
    refuse("outputs (t7", "outputs (t77", "t77: not declared");
}

#[test]
fn buffers_are_checked() {
    refuse("f32[4, 8] input 1", "f32[4, 8] input 1 permuted [1, 0]", "t1: Permuted([1, 0]) in Input(1)");
    refuse("permuted [1, 0]", "strided", "t4: Strided in Arena(0)");
    refuse("permuted [1, 0]", "permuted [1, 1]", "is no order of 2 axes");
    refuse("[1.0, -0.5]", "[1.0]", "t3: 1 values for 2 elements");
    refuse("[1.0, -0.5]", "[1.0, 2]", "t3: Int(2) is no value of f32");
    refuse("index_of [3, 4]", "index_of [3, 4, 5]", "t2: 3 index columns");
    refuse("i32[8, 2]", "i32[18446744073709551615, 2]", "does not fit");
}

#[test]
fn lifetimes_and_places_are_checked() {
    refuse("live s1..s3", "live s1..s2", "t5: is said to live s1..s2, but lives s1..s3");
    refuse("i32[8, 2] input 2 index_of [3, 4]", "i32[8, 2] input 2 index_of [3, 4] live s0..s0", "but lives nowhere");
    refuse("arena 256", "arena 250", "t5: offset 250 is not a multiple of 64");
    refuse("arena 768", "arena 640", "t11: ends at 704 in an arena of 640 bytes");
    refuse("arena 512 live s2..s3", "arena 256 live s2..s3", "t5: shares memory with t6");
    refuse("arena 576", "arena 512", "t6: shares memory with t8");
}

#[test]
fn writes_come_once_and_before_reads() {
    refuse("contract t4[0, 1]", "contract t1[0, 1]", "s0: t1 is not the plan's to write");
    refuse("nest t6[i0]", "nest t5[i0]", "s2: t5 is written twice");
    refuse("t0[0, 2]", "t5[0, 2]", "s0: t5 is read before it is written");
    refuse("t3[i1] *", "t6[i1] *", "t6 is read before it is written: t6[i1]");
    refuse("t3[i1] *", "t33[i1]:f32 *", "s1: t33 is not declared");
    refuse("t6[i1] over", "t11[i1] over", "the body does not write the state t6");
    refuse("nest t6[i0]", "nest t10[i0]", "s3: t6 is read before it is written");
    refuse("(t9, t10) = top_k(t7)", "(t10) = top_k(t7)", "t9: an output that no step writes");
}

#[test]
fn contractions_are_checked() {
    refuse("extents [8, 8, 4]", "extents [8, 8, 5]", "s0: labels [0, 2] of t0 have extents Some([8, 5])");
    refuse("t4[0, 1]", "t4[0, 9]", "labels [0, 9] of t4 have extents None");
    refuse("t4[0, 1]", "t4[0, 0]", "labels [0, 0] of t4 repeat");
    refuse("extents [8, 8, 4]", "extents [8, 8, 4, 2]", "label 3 stands in no operand");
    refuse("acc f32", "acc f64", "t4 is f32, not f64");
    refuse("acc f32", "acc f64", "an operand is f32, which does not accumulate in f64");
    refuse("acc f32", "acc bool", "no sum in bool");
}

#[test]
fn nests_are_checked() {
    refuse("nest t6[i0] over", "nest t6[i0, i0] over", "2 indices for 1 axes");
    refuse("nest t6[i0] over (i0 \"i\" 0..8)", "nest t6[i0] over (i0 \"i\" 0..7)", "i0 ranges over 0..7 on axis 0 of extent 8");
    refuse("max:f32[i1 where", "max:f32[i0 where", "i0 stands twice");
    refuse("max:f32[i1 where", "max:f32[i7 where", "i7 is not declared");
    refuse("t4[i0, (7 - i0)]", "t4[i1, (7 - i0)]", "i1 has no value here");
    refuse("where (i0 < 4)", "where i0", "the domain is i64, not bool");
    refuse("where (i1 < i0)", "where i1", "the guard is i64, not bool");
    refuse("max:f32", "max:f64", "the body is f32, not f64");
    refuse("max:f32", "any:f32", "no reduction `any` in f32");
    refuse("max:f32[i1 where (i1 < i0)]", "r0:f32[i1]", "no reduction `user`");
    refuse("max:f32[i1 where", "argmax:f32[where", "`argmax` over 0 indices");
    refuse("then sqrt(acc)", "then f64(acc)", "the epilogue is f64, not f32");
    refuse("then sqrt(acc)", "then t3[i1]", "i1 has no value here");
    refuse("= t4[i0, (7 - i0)]", "= t4[i0, (7 - i0)] then t4[i0, i0]", "an epilogue without a reduction");
    refuse("(t8[i1] + t5[i0])", "(prev t8[i1] + t5[i0])", "a plan has no `prev`");
    refuse("(t8[i1] + t5[i0])", "f32(size(d0))", "the size d0 is not a literal");
    refuse("= t7[i1] flops", "= t7[(i1 + 1)] flops", "reaches 1..=8 on axis 0 of t7");
    refuse("then sqrt(acc)", "then t3[i0]", "reaches 0..=7 on axis 0 of t3");
}

#[test]
fn scans_are_checked() {
    refuse("nest t7[i1] over (i0 \"t\" 0..8", "nest t7[i1] over (i0 \"t\" 0..7", "i0 is not the index of the scan around it");
    refuse("\"prev g\" f32[8]", "\"prev g\" f32[9]", "t6 and its earlier values differ");
    refuse("(t6 prev t8", "(t6 prev t5", "s3: t5 is not behind t6 in the arena");
    refuse("(t6 prev t8 apart [0])", "(t6 prev t8 apart [1])", "t6 has no axis 1");
    refuse("(t6 prev t8 apart [0])", "(t6 prev t6)", "t8 is read before it is written");
    refuse("s3 = scan i0", "s3 = scan i1", "i1 is the index of a scan inside of 0");
    refuse("nest t6[i1] over", "nest t5[i1] over", "the body does not write the state t6");
}

#[test]
fn library_calls_are_checked() {
    refuse("top_k(t7)", "top_k(t7, t5)", "`top_k` does not take its buffers: Count { wanted: 1 }");
    refuse("top_k(t7)", "fft(t7)", "`fft` gives 2 results");
    refuse("workspace t11", "workspace t12", "t12 is not in the arena");
}

#[test]
fn text_that_is_no_plan_is_refused_with_its_line() {
    for (passage, replacement, line) in
        [("arena 768", "arena -1", 2), ("buffer t1", "buffer t2", 4), ("strategy gemm", "strategy best", 19), ("s1 =", "s2 =", 20)]
    {
        let error = parse(&EVERYTHING.replacen(passage, replacement, 1)).unwrap_err();
        assert_eq!(error.line, line, "{replacement}: {error}");
    }
}
