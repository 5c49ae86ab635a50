//! The worked cases of language 3 and 4g.

use super::{Outside, make_explicit};
use crate::parse::parse_equation;
use crate::print::print_expr;
use ein_ir::dtype::DType;
use ein_ir::span::{FileId, Span};

/// `alpha` and `c8` are scalars, and `own` is a reducer.
struct Names;

impl Outside for Names {
    fn declared(&self, name: &str) -> Option<(Span, &'static str)> {
        ["alpha", "c8"].contains(&name).then_some((Span::default(), "parameter"))
    }

    fn is_reducer(&self, name: &str) -> bool {
        name == "own" || crate::builtins::reducer(name).is_some()
    }

    fn is_function(&self, name: &str, n_args: usize) -> bool {
        crate::builtins::reducer(name).is_none() || (matches!(name, "max" | "min") && n_args > 1)
    }

    fn element(&self, name: &str) -> Option<DType> {
        Some(if name == "c8" { DType::I8 } else { DType::F32 })
    }
}

/// The right side with explicit sums, or the errors as `code message | help`.
fn explicit(source: &str) -> String {
    let bind = parse_equation(source, FileId(0)).expect("parses");
    let bound: Vec<_> = bind.left.iter().flat_map(|l| l.binders.iter().map(|b| b.name().clone())).collect();
    let out = make_explicit(&bind.value, &bound, &Names);
    if out.errors.is_empty() {
        return print_expr(&out.value);
    }
    let line = |d: &ein_ir::diagnostic::Diagnostic| format!("{} {} | {}", d.code, d.message, d.help.clone().unwrap_or_default());
    out.errors.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(explicit(source), expected, "{source}");
}

#[test]
fn sums_belong_to_the_innermost_product() {
    check(
        "y[b,o,p,q] = x[b,i,j,k]*G1[i,o,r]*G2[r,j,p,s]*G3[s,k,q] + c[o,p,q]",
        "sum[i, j, k, r, s](x[b, i, j, k] * G1[i, o, r] * G2[r, j, p, s] * G3[s, k, q]) + c[o, p, q]",
    );
    check("b = a[i]*a[i] + 1", "sum[i](a[i] * a[i]) + 1");
    check("q = exp(-p[i]*M[i,j]*p[j] / 2.0)", "exp(-sum[i, j](p[i] * M[i, j] * p[j]) / 2.0)");
    check("t = A[i,i]", "sum[i](A[i, i])");
    check("d[i] = A[i,i]", "A[i, i]");
}

#[test]
fn a_factor_of_a_narrow_type_is_multiplied_where_the_sum_is_wide() {
    check("s = alpha*a[i]*b[i]", "alpha * sum[i](a[i] * b[i])");
    check("s = 2*a[i]*b[i]*c8", "2 * sum[i](a[i] * b[i] * c8)");
    check("s = -(x[0] as f16)*a[i]*b[i] / c8", "-sum[i](x[0] as f16 * a[i] * b[i]) / c8");
}

#[test]
fn reducers_of_the_program_bind_as_others_do() {
    check("y[i] = x[i] - own[i](x[i])", "E0203 index `i` is already bound here | rename it: `own[i'](x[i'])`");
    check("y[i] = alpha - own[alpha](x[i])", "E0205 index `alpha` has the name of a parameter | rename the index, for example `alpha'`");
}

#[test]
fn other_factors_and_divisors_stay_outside() {
    check("o[t,e] = q[t,d]*Z[d,e] / sum[d](q[t,d]*N[d])", "sum[d](q[t, d] * Z[d, e]) / sum[d](q[t, d] * N[d])");
    check("y[b,o] = alpha * U[o,r] * V[r,i] * x[b,i]", "alpha * sum[r, i](U[o, r] * V[r, i] * x[b, i])");
    check("y[i] = 2.0 * (A[i,k] * b[k]) * exp(c[i])", "2.0 * sum[k](A[i, k] * b[k]) * exp(c[i])");
    check("y = -(a[i] as f64) * conj(b[i])", "-sum[i](a[i] as f64 * conj(b[i]))");
    check("y = a[2*i] * b[i]", "sum[i](a[2*i] * b[i])");
    check("y[i] = -x[i] / (2.0 * z[i])", "-x[i] / (2.0 * z[i])");
}

#[test]
fn an_index_that_occurs_once_is_refused() {
    check("C[i,j] = A[i,k]*B[kk,j]", "E0201 index `k` occurs once | did you mean `kk`?\nE0201 index `kk` occurs once | did you mean `k`?");
    check("q = a[i] + b[i]", "E0201 index `i` occurs once in this term, and each term is its own sum | `sum[i](a[i] + b[i])`");
    check("y = (a[i] - b[i])^2", "E0201 index `i` occurs once in this term, and each term is its own sum | `sum[i]((a[i] - b[i])^2)`");
}

/// The edit goes around everything that depends on the index, but for functions that are mostly taken of a sum.
#[test]
fn a_forgotten_sum_begins_where_it_is_meant() {
    let edit = |source: &str| explicit(source).split_once(" | ").map(|(_, edit)| edit.to_owned()).expect("refused");
    assert_eq!(edit("q = max(a[i], 0.0)"), "`sum[i](max(a[i], 0.0))`, or `sum[i](a[i])` inside of it");
    assert_eq!(edit("q = abs(a[i] - b[i])"), "`sum[i](abs(a[i] - b[i]))`, or `sum[i](a[i] - b[i])` inside of it");
    assert_eq!(edit("q = alpha + exp(a[i])*2.0"), "`sum[i](exp(a[i]) * 2.0)`");
    assert_eq!(edit("q = alpha - a[i] - b[i]"), "`sum[i](alpha - a[i] - b[i])`");
    assert_eq!(edit("q = if a[i] > 0.0 then a[i] else 0.0"), "`sum[i](if a[i] > 0.0 then a[i] else 0.0)`");
    assert_eq!(edit("q = (a[i] > 0.0) as f32"), "`sum[i]((a[i] > 0.0) as f32)`");
    assert_eq!(edit("q = sqrt((a[i] - b[i])^2)"), "`sum[i]((a[i] - b[i])^2)`");
    assert_eq!(edit("q = sqrt(a[i])"), "`sum[i](sqrt(a[i]))`, or `sum[i](a[i])` inside of it");
    assert_eq!(edit("q = log(exp(a[i]))"), "`sum[i](exp(a[i]))`, or `sum[i](a[i])` inside of it");
    assert_eq!(edit("q = max[j](c[i, j])"), "`sum[i](c[i, j])`");
    assert_eq!(explicit("q = max(a[i]) + mean(b[j])"), "max(a[i]) + mean(b[j])", "said of the call");
}

#[test]
fn a_sum_over_anything_but_plain_factors_is_refused() {
    check("b = exp(a[i])*w[i]", "E0202 index `i` would be summed, but also occurs under a function | `sum[i](exp(a[i]) * w[i])`");
    check("b = a[i] / w[i]", "E0202 index `i` would be summed, but also occurs in a divisor | `sum[i](a[i] / w[i])`");
    check(
        "y[i] = A[i,k]*(b[k] + c[k])",
        "E0202 index `k` would be summed, but also occurs in a factor that is a sum | `sum[k](A[i, k] * (b[k] + c[k]))`",
    );
    check(
        "X[k] = x[n] * cis(-2*pi*n*k / 8)",
        "E0202 index `n` would be summed, but also occurs under a function | `sum[n](x[n] * cis(-2*pi*n*k / 8))`",
    );
}

#[test]
fn an_index_bound_twice_is_refused() {
    check("y[i] = x[i] - max[i](x[i])", "E0203 index `i` is already bound here | rename it: `max[i'](x[i'])`");
    check("y[i] = x[i] - max[alpha](x[alpha])", "E0205 index `alpha` has the name of a parameter | rename the index, for example `alpha'`");
}
