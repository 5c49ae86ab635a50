//! Printing and parsing are inverse, up to places and to parentheses that a tree needs.

use super::{dump, dump_without_spans, print, print_expr};
use crate::ast::{BinaryOp, Expr, ExprKind, Ident, Number, NumberValue, UnaryOp};
use crate::parse::{parse, parse_equation};
use ein_ir::span::{FileId, Span};
use std::path::PathBuf;

fn programs() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/programs");
    let mut programs: Vec<_> = std::fs::read_dir(folder)
        .expect("the programs are in the repository")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("UTF-8")))
        .collect();
    programs.sort();
    programs
}

#[track_caller]
fn round_trip(name: &str, source: &str) -> String {
    let first = parse(source, FileId(0)).unwrap_or_else(|diagnostics| panic!("{name}: {diagnostics:#?}")).program;
    let printed = print(&first);
    let second = parse(&printed, FileId(0)).unwrap_or_else(|diagnostics| panic!("{name}: {printed}\n{diagnostics:#?}")).program;
    assert_eq!(dump_without_spans(&first), dump_without_spans(&second), "{name}");
    assert_eq!(print(&second), printed, "{name}: printing is idempotent");
    printed
}

#[test]
fn the_fourteen_programs_survive() {
    let programs = programs();
    assert!(programs.len() >= 14);
    for (name, source) in programs {
        round_trip(&name, &source);
    }
}

#[test]
fn every_construct_survives() {
    round_trip(
        "all",
        r#"ein 1;
use std.linalg as la; use "a.ein".{f, g}; use std.random;
dim N = 512, M in 1..2 * N, K;
const W: f32[2, 3] = [[1, 2, -3.0], [4, 5, 6,],];
const T[i: N, j: N]: c64 = cis(2*pi*i*j / |N|) + 1im;
const c = 1e-3;
reducer lse2(a, b) = max(a, b) + log1p(exp(-abs(a - b))) from -inf, assoc, comm, idem, distributes over f, distributes over +, distributes over and;
def f<..B, N, st: int = 2, M = 4>(x: secret sym sparse(csr) f32[..B, N] in -1.0..1.0 within abs 1e-3, i: idx<N>[M], e: idx<N, M>[], s: f32)
  -> (y: f32[..B, N // 2 + 1], z: key) where P = N // 2, N == 2*P, P > 0 and not P == 3 {
  y[..b, j: N // 2, _] = sum:f64[k in 0..N - 1, ..c where k <= j and not (j == 2)](x[..b, pad(2*k - j, 0.0)] * 2^-k^2) from 0.0 within rel 1e-2;
  (u, v) = qr(x, mode = 1);
  q: idx<N> = x[wrap(j)];
  scan reverse t in 0..3 { h[n] = prev h[n] + 1.5 as f32 as f64 from s; scan u: N { } }
  fit (U: f32[N, R], V: f32[R, N]): W[o, i] ~ U[o, r] * V[r, i] weight F[o, i] from cols(W, n) and rows(W, m) where R by energy(0.95), R <= 64, tol = 1e-3, psd;
}
derive g = vjp(f) wrt (x as dx, s,);
export f<N = 8, M = _> as "f8" for cpu; export f;
hint f { memory <= 2GiB; path = auto; blocks = (64, 128); time <= 3ms; }
"#,
    );
}

#[test]
fn the_canonical_form() {
    let printed = round_trip("messy", "def   f<N>( a:f32[ N ] )->b:f32[N]{b[i]=a[ 2 * i+1 ]*a[i]  ^ 2-(  -a[i]);}dim K;dim L;");
    assert_eq!(printed, "def f<N>(a: f32[N]) -> b: f32[N] {\n  b[i] = a[2*i + 1] * a[i]^2 - (-a[i]);\n}\n\ndim K;\ndim L;\n");
}

#[test]
fn the_dump_has_every_place() {
    let program = parse("ein 1;\ndef f(a: f32) -> b: f32 {\n  b = -a; }\n", FileId(0)).expect("right").program;
    let expected = "program @0..45\n  version 1 @0..6\n  def f @7..44\n    param a @13..19\n      type f32 without axes @16..19\n    result b @24..30\n      type f32 without axes @27..30\n    bind b @35..42\n      unary - @39..41\n        name a @40..41\n";
    assert_eq!(dump(&program), expected);
}

/// A tree without parentheses, from a stream of choices.
fn tree(choices: &mut impl Iterator<Item = u32>, depth: u32) -> Expr {
    let nowhere = Span::default();
    let mut next = || choices.next().expect("endless");
    let choice = if depth == 0 { next() % 2 } else { next() % 8 };
    let kind = match choice {
        0 => ExprKind::Name(Ident::new("x", nowhere)),
        1 => ExprKind::Number(Number { text: "2".to_owned(), value: NumberValue::Integer(2), imaginary: false }),
        2 => {
            let op = if next() % 2 == 0 { UnaryOp::Neg } else { UnaryOp::Not };
            ExprKind::Unary { op, op_span: nowhere, value: Box::new(tree(choices, depth - 1)) }
        }
        3 => {
            let to = crate::ast::ElementType { kind: crate::ast::ElementKind::Scalar(ein_ir::dtype::DType::F32), span: nowhere };
            ExprKind::Cast { value: Box::new(tree(choices, depth - 1)), to }
        }
        4 => ExprKind::If {
            condition: Box::new(tree(choices, depth - 1)),
            then: Box::new(tree(choices, depth - 1)),
            otherwise: Box::new(tree(choices, depth - 1)),
        },
        _ => {
            let ops = [
                BinaryOp::Or,
                BinaryOp::And,
                BinaryOp::Lt,
                BinaryOp::Eq,
                BinaryOp::Add,
                BinaryOp::Sub,
                BinaryOp::Mul,
                BinaryOp::Div,
                BinaryOp::Pow,
            ];
            let op = ops[next() as usize % ops.len()];
            ExprKind::Binary { op, op_span: nowhere, lhs: Box::new(tree(choices, depth - 1)), rhs: Box::new(tree(choices, depth - 1)) }
        }
    };
    Expr::new(kind, nowhere)
}

/// The tree as fully parenthesised text, for comparison; parentheses in the tree do not count.
fn shape(expr: &Expr) -> String {
    match &expr.peeled().kind {
        ExprKind::Unary { op, value, .. } => format!("({} {})", op.symbol(), shape(value)),
        ExprKind::Binary { op, lhs, rhs, .. } => format!("({} {} {})", shape(lhs), op.symbol(), shape(rhs)),
        ExprKind::Cast { value, .. } => format!("({} as f32)", shape(value)),
        ExprKind::If { condition, then, otherwise } => format!("(if {} {} {})", shape(condition), shape(then), shape(otherwise)),
        _ => print_expr(expr.peeled()),
    }
}

#[test]
fn trees_built_by_programs_get_the_parentheses_that_they_need() {
    let mut state = 0x2545_f491_u32;
    let mut choices = std::iter::from_fn(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        Some(state >> 3)
    });
    for _ in 0..20_000 {
        let expr = tree(&mut choices, 4);
        let printed = print_expr(&expr);
        let parsed =
            parse_equation(&format!("b = {printed}"), FileId(0)).unwrap_or_else(|diagnostics| panic!("{printed}: {diagnostics:?}"));
        assert_eq!(shape(&parsed.value), shape(&expr), "{printed}");
    }
}

#[test]
fn no_parentheses_are_added_without_need() {
    for text in
        ["-a^2 + b*c", "a * -b^-c", "not a == b and c", "1 - (2 - 3)", "a^b^c", "(a^b)^c", "if a then b else c + 1", "x as f32 as f64 * 2"]
    {
        let parsed = parse_equation(&format!("b = {text}"), FileId(0)).expect("right");
        assert_eq!(print_expr(&parsed.value), text);
    }
}
