//! Round trips of the text form, and one broken module an invariant.

use super::verify;
use crate::tensor::parse::parse;

/// A module that exercises every form, generic in its sizes.
pub(crate) const EVERYTHING: &str = r#"module "everything"
dim d0 "N" size = 4 @1:2..3
dim d1 "stride" int
require d0 - d1 >= 0 unless_empty [d0, div(d0, 2)] E0303 "`stride <= N`" @9..15
require rem(d0, d1) == 0 E0305 "`N % stride == 0`"
require d1 != 0 E0305 "\"quoted\"\n"
reducer r0 "add" f32 [associative, commutative, idempotent, distributes_over "mul"] init 0.0:f32 combine (operand(0) + operand(1)) @4..9
reducer r1 "bare" i64 [] init 0 combine max(operand(0), operand(1))
tensor t0 "A" f32[d0, 2*d0 + 1] in -1.0..1e20 secret qualifier "lowrank"("rank": "64", "free") qualifier "sym"() within rel 0.001 @20..40
tensor t1 "b" f32[d0] within out inf
tensor t2 "ids" i32[d0, 2] index_of [d0, 2*d0 + 1]
tensor t3 "y" f32[d0] secret @50..51
tensor t4 "y.sum" f32[d0] secret
tensor t5 "best" i64[]
tensor t6 "h" f32[d0] secret
tensor t7 "hs" f32[d0, d0] secret
tensor t8 "tmp" f32[] secret
tensor t9 "values" f32[d0, 3] secret
tensor t10 "positions" i64[d0, 3] secret
tensor t11 "w" c64[2]
tensor t12 "total" f32[]
index i0 "i" 0..d0 @41..42
index i1 "k" 0..2*d0 + 1
index i2 "j" 0..d0
index i3 "m" 1..d0 - 1
index i4 "t" 0..d0
index i5 "i'" 0..d0
index i6 "j" 0..d0
index i7 "k" 0..d0
index i8 "k" 0..d0
params (t0, t1, t2)
results (t3, t6, t7, t9)
t4[i0] where (i0 < size(d0 - 1)) = sum:f32[i1 where ((i1 % 2) == 0)]((t0[i0, i1] * t1[i64(t2[i0, 0])])) @43..80
t3[i2] = if((i2 < size(d0 - 1)), t4[i2], t1[pad((i2 + size(d1)))] else -0.5)
t5[] = argmax:f32[i3](t1[clamp(i3)])
table t11 = [complex(1.0, -0.0), complex(0.0, nan)]
scan i4 reverse states (t6 from t1) stacked (t7 axis 1) @81..99 {
  t8[] = r0:f32[i5]((prev t6[i5] * t0[i5, i4]))
  t6[i6] = (prev t6[i6] + t8[] + t1[wrap((i6 + t5[]))])
  t7[i7, i4] = (t6[i7] - f32(i4))
}
(t9, t10) = top_k(t0) {"k": 3} @7..9
t12[] = max:f32[i8](t1[i8])
"#;

fn messages(text: &str) -> Vec<String> {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    verify(module).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Replaces one passage of the module above, and expects exactly one broken invariant, which says this.
fn refuse(passage: &str, replacement: &str, expected: &str) {
    assert!(EVERYTHING.contains(passage), "no `{passage}`");
    let found = messages(&EVERYTHING.replacen(passage, replacement, 1));
    assert!(found.iter().any(|m| m.contains(expected)), "`{replacement}` for `{passage}`: {found:#?}");
}

#[test]
fn the_text_form_reads_back() {
    let module = parse(EVERYTHING).unwrap();
    assert_eq!(module.to_string(), EVERYTHING);
    let (mut once, mut twice) = (module.clone(), parse(&module.to_string()).unwrap());
    assert_eq!(once, twice);
    once.erase_spans();
    twice.erase_spans();
    assert_eq!(once, twice);
    assert_eq!(once.to_string(), EVERYTHING);
}

#[test]
fn the_module_is_valid() {
    assert_eq!(messages(EVERYTHING), Vec::<String>::new());
}

#[test]
fn declarations_are_checked() {
    refuse("f32[d0, 2*d0 + 1]", "f32[d7, 2*d0 + 1]", "d7 is not declared");
    refuse("0..2*d0 + 1", "0..2*i0 + 1", "i0 stands in the size");
    refuse("require d0 - d1", "require d0 - d3", "require 0: d3 is not declared");
    refuse("index_of [d0, 2*d0 + 1]", "index_of [d0, d0, d0]", "3 index columns");
    refuse("\"ids\" i32", "\"ids\" f32", "indices are stored as f32");
    refuse("init 0.0:f32", "init 0.0:f64", "`init` is f64, not f32");
    refuse("max(operand(0), operand(1))", "t5[]:i64", "t5 is not declared");
    refuse("max(operand(0), operand(1))", "operand(2)", "no such operand");
}

#[test]
fn definitions_are_unique_and_precede_reads() {
    refuse("params (t0, t1, t2)", "params (t0, t1, t2, t3)", "t3: defined twice");
    refuse("tensor t12 \"total\" f32[]", "tensor t12 \"total\" f32[]\ntensor t13 \"none\" f32[]", "t13: declared, but not defined");
    refuse("results (t3", "results (t8", "t8: a result that is not defined");
    refuse("t4[i2], t1[pad", "t12[], t1[pad", "t12 is read before its definition");
    refuse("max:f32[i8](t1[i8])", "max:f32[i8](t8[])", "t8 is read before its definition");
    refuse("t0[i5, i4]", "prev t7[i5, i4]", "`prev t7` is no state");
    refuse("t4[i0] where", "t44[i0] where", "t44: not declared");
}

#[test]
fn indices_belong_to_one_definition() {
    refuse("t3[i2] =", "t3[i0] =", "i0 belongs to another definition");
    refuse("t1[i8]", "t1[i7]", "i7 has no value here");
    refuse("t1[i8]", "t1[i99]", "i99 has no value here");
    refuse("t5[] = argmax:f32[i3]", "t5[] = argmax:f32[i0]", "i0 belongs to another definition");
    refuse("t3[i2]", "t3[i1]", "i1 ranges over 0..2*d0 + 1 on axis 0 of size d0");
    refuse("t3[i2]", "t3[i2, i3]", "2 indices for 1 axes");
}

#[test]
fn equations_are_typed() {
    refuse("where (i0 < size(d0 - 1))", "where i0", "the domain is i64, not bool");
    refuse("((i1 % 2) == 0)", "i1", "the guard is i64, not bool");
    refuse("(i0 < size(d0 - 1))", "(i1 < size(d0 - 1))", "i1 has no value here");
    refuse("t5[] = argmax:f32[i3]", "t5[] = argmax:f32[]", "`argmax` over 0 indices");
    refuse("t5[] = argmax:f32[i3]", "t5[] = max:f32[i3]", "the reduction is f32, the tensor is not");
    refuse("t12[] = max:f32", "t12[] = any:f32", "no reduction `any` in f32");
    refuse("t12[] = max:f32", "t12[] = max:f64", "the body is f32, not f64");
    refuse("r0:f32[i5]", "r1:f32[i5]", "no reduction `user` in f32");
    refuse("r0:f32[i5]", "r9:f32[i5]", "no reduction `user` in f32");
}

#[test]
fn scalars_are_typed() {
    refuse("(t6[i7] - f32(i4))", "(t6[i7] - i4)", "`sub` takes no f32 and i64");
    refuse("(t6[i7] - f32(i4))", "(t6[i7] - f32(i4)):f64", "the node says f64 where the rule gives f32");
    refuse("(t6[i7] - f32(i4))", "not(t6[i7])", "`not` takes no f32");
    refuse("(t6[i7] - f32(i4))", "300:u8", "the literal is no value of u8");
    refuse("if((i2 < size(d0 - 1))", "if(i2", "the condition is i64");
    refuse("t4[i2], t1[pad", "i2, t1[pad", "the branches are i64 and f32");
    refuse("t1[i64(t2[i0, 0])]", "t1[t2[i0, 0]]", "a subscript is i32, not i64");
    refuse("t0[i0, i1]", "t0[i0]", "1 subscripts for 2 axes");
    refuse("t1[pad((i2 + size(d1)))]", "t1[(i2 + size(d1))]", "a pad value without a pad mode");
    refuse("else -0.5", "else 1", "the pad value is no value of f32");
    refuse("size(d1)", "size(d5)", "d5 is not declared");
    refuse("(t6[i7] - f32(i4))", "operand(0):f32", "no such operand");
    refuse("(t6[i7] - f32(i4))", "acc:f32", "no finished reduction");
}

#[test]
fn scans_are_checked() {
    refuse("states (t6 from t1)", "states (t6 from t0)", "has another dtype or shape");
    refuse("states (t6 from t1)", "states (t6 from t8)", "t8 is not defined before the scan");
    refuse("states (t6 from t1)", "states (t6)", "`prev t6` is no state");
    refuse("states (t6 from t1)", "states (t6 from t1, t4)", "t4: carried by a scan whose body does not define it");
    refuse("states (t6 from t1)", "states (t6 from t1, t7)", "t7: twice among");
    refuse("(t7 axis 1)", "(t7 axis 2)", "has no axis 2 to stack");
    refuse("\"t\" 0..d0", "\"t\" 1..d0", "stacks 1..d0 on axis 1 of size d0");
    refuse("t7[i7, i4]", "t7[i4, i7]", "axis 1 is stacked over i4, not i7");
    let reads_other_step = "index i9 \"x\" 0..d0\nparams";
    let text = EVERYTHING.replacen("params", reads_other_step, 1).replacen("tensor t12", "tensor t12 \"z\" f32[d0] secret\ntensor t13", 1);
    let text = text.replacen("t12[] =", "t13[] =", 1);
    let text = text.replacen("f32(i4))\n", "f32(i4))\n  t12[i9] = t7[i9, (i4 - 1)]\n", 1);
    assert_eq!(messages(&text), ["t12: axis 1 of t7 is read at another step than the current one: t7[i9, (i4 - 1)]"]);
    assert_eq!(messages(&text.replace("(i4 - 1)]", "i4]")), Vec::<String>::new());
}

#[test]
fn secrets_and_approximations_are_checked() {
    refuse("tensor t4 \"y.sum\" f32[d0] secret", "tensor t4 \"y.sum\" f32[d0]", "t4: computed from a secret tensor, and not secret");
    refuse("tensor t10 \"positions\" i64[d0, 3] secret", "tensor t10 \"positions\" i64[d0, 3]", "t10: computed from a secret tensor");
    let approx = |text: &str, expected: &str| refuse("max:f32[i8](t1[i8])", &format!("max:f32[i8](approx(t1[i8], {text}))"), expected);
    approx("exp(operand(0)), on 1.0..1.0", "an approximation on 1..1");
    approx("exp(operand(0)), on 1.0..inf", "an approximation on 1..inf");
    approx("exp(operand(0)), on 0.0..1.0, degree <= 0", "degree 0");
    approx("exp(t1[i8]), on 0.0..1.0", "a function reads a tensor");
    approx("(operand(0) + f32(i8)), on 0.0..1.0", "i8 has no value here");
    approx("f64(operand(0)), on 0.0..1.0", "the function is f64, not f32");
    approx("approx(operand(0), exp(operand(0)), on 0.0..1.0), on 0.0..1.0", "no approximation here");
    refuse("max(operand(0), operand(1))", "approx(operand(0), operand(0), on 0.0..1.0)", "no approximation here");
    let right = EVERYTHING.replacen("max:f32[i8](t1[i8])", "max:f32[i8](approx(t1[i8], exp(operand(0)), on 0.0..1.0))", 1);
    assert_eq!(messages(&right), Vec::<String>::new());
}

#[test]
fn functions_and_tables_are_checked() {
    refuse("top_k(t0)", "top_k(t0, t1)", "`top_k` does not take its operands: Count { wanted: 1 }");
    refuse("top_k(t0)", "top_k(t12)", "t12 is read before its definition");
    refuse("(t9, t10) = top_k(t0)", "(t9, t10) = det(t0)", "`det` gives 2 results");
    refuse("{\"k\": 3}", "{\"k\": d9}", "option `k`: d9 is not declared");
    refuse("complex(0.0, nan)]", "complex(0.0, nan), complex(0.0, nan)]", "3 values in a table");
    refuse("complex(0.0, nan)]", "1.0]", "is no value of c64");
}

/// A convolution of literal sizes: every subscript stays inside.
const LITERAL: &str = r#"module "conv"
tensor t0 "x" f32[9]
tensor t1 "w" f32[3]
tensor t2 "y" f32[4]
index i0 "i" 0..4
index i1 "r" 0..3
params (t0, t1)
results (t2)
t2[i0] = sum:f32[i1]((t0[((2 * i0) + i1)] * t1[i1]))
"#;

#[test]
fn literal_subscripts_stay_inside() {
    assert_eq!(messages(LITERAL), Vec::<String>::new());
    let found = messages(&LITERAL.replace("f32[9]", "f32[8]"));
    assert_eq!(found, ["t2: subscript 2*i0 + i1 reaches 0..=8 on axis 0 of t0, which has size 8"]);
    assert_eq!(messages(&LITERAL.replace("t1[i1]))", "t1[(i1 - 1)]))")).len(), 1);
    // Nothing is evaluated where the guard is false, the domain does not hold or an axis is empty.
    for harmless in [
        LITERAL.replace("f32[9]", "f32[8]").replace("[i1]((t0", "[i1 where (i0 < 3)]((t0"),
        LITERAL.replace("f32[9]", "f32[8]").replace("t2[i0] =", "t2[i0] where (i0 < 3) ="),
        LITERAL.replace("f32[9]", "f32[8]").replace("\"r\" 0..3", "\"r\" 3..3"),
        LITERAL.replace("f32[9]", "f32[8]").replace("t0[((2", "t0[pad(((2").replace("i1)] *", "i1))] *"),
        LITERAL.replace("t0[((2 * i0) + i1)]", "t0[((i0 - (2 * (i0 // 2))) * 8)]"),
    ] {
        assert_eq!(messages(&harmless), Vec::<String>::new(), "{harmless}");
    }
}

#[test]
fn without_dims_sizes_are_literals() {
    assert_eq!(messages(&LITERAL.replace("f32[9]", "f32[-1]")).first().map(String::as_str), Some("t0: an axis has size -1"));
    assert_eq!(messages(&LITERAL.replace("0..3", "0..div(3, 0)")), ["i1: the size div(3, 0) is not a literal"]);
}

#[test]
fn text_that_is_no_module_is_refused_with_its_line() {
    for (passage, replacement, line) in [
        ("tensor t1", "tensor t2", 3),
        ("params", "inputs", 7),
        ("sum:f32[i1]", "sum:f99[i1]", 9),
        ("t1[i1]))", "t1[i1])", 9),
        ("f32[4]", "f32[4", 5),
    ] {
        let error = parse(&LITERAL.replacen(passage, replacement, 1)).unwrap_err();
        assert_eq!(error.line, line, "{replacement}: {error}");
    }
    assert!(parse("").is_err() && parse("module \"a\"").is_err());
}
