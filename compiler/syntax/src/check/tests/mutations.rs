//! Programs with random mistakes: every one is accepted or refused, none breaks the compiler.

use crate::check::check;
use crate::parse::parse;
use ein_ir::entity::{Dim, SecondaryMap};
use ein_ir::interp::data::Data;
use ein_ir::interp::tensor::run;
use ein_ir::scalar::value::Value;
use ein_ir::span::FileId;
use ein_ir::tensor::{DimKind, Module, TensorDecl, specialise};
use ein_ir::verified::Verified;

/// A few seconds in a debug build.
const ROUNDS: usize = 1500;

const PROGRAMS: [&str; 6] = [
    "def f < M , N , K > ( A : f32 [ M , K ] , B : f32 [ K , N ] , s : f32 ) -> C : f32 [ M , N ] { C [ i , j ] = s * A [ i , k ] * B [ k , j ] + 1 ; }",
    "def f < N , R , st : int = 1 > ( x : f32 [ N ] , w : f32 [ R ] ) -> y : f32 [ N - R + 1 ] { y [ i ] = x [ i + r ] * w [ r ] / ( 2 * pi ) ; }",
    "def f < N , P , Q > ( x : c64 [ N ] ) -> X : c64 [ N ] where N == P * Q { F [ p : P , r : P ] : c64 = cis ( -2 * pi * p * r / | P | ) ; Y [ r , q : Q ] = F [ p , r ] * x [ | Q | * p + q ] ; X [ k ] = Y [ k % | P | , k // | P | ] ; }",
    "def f < N > ( x : f64 [ N ] , z : i32 [ N ] ) -> ( y : f64 [ N ] , m : f64 ) { y [ i ] = if i > 0 and z [ i ] != 0 then max [ j where j < i ] ( x [ j ] * x [ i - 1 ] ) else mean [ j ] ( x [ j ] ) ; m = lse [ i ] ( y [ i ] ) ; }",
    "def g ( a : f64 , b : f64 ) -> c : f64 { c = a * b - abs ( a ) ; } def f < M , N > ( x : f64 [ M , N ] ) -> y : f64 [ N , M ] { t [ i , j ] = g ( x [ i , j ] , 2.0 ) ; y [ j , i ] = t [ i , j ] + x [ clamp ( i + 1 ) , pad ( j - 1 , 3.0 ) ] ; }",
    "def h < N > ( x : f32 [ N ] ) -> ( a : f32 , b : f32 [ N ] ) { a = sum [ i ] ( x [ i ] ^ 2 ) ; b [ i ] = x [ i ] / a ; } def f < M > ( z : f32 [ M ] ) -> q : f32 [ M ] { ( s , t ) = h ( z ) ; q [ i ] = s + t [ i ] as f32 ; }",
];

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Names, numbers, operators, and each other token by itself.
fn kind(token: &str) -> &str {
    match token.as_bytes()[0] {
        b'a'..=b'z' | b'A'..=b'Z' if !["def", "int", "where", "if", "then", "else", "and", "as"].contains(&token) => "name",
        b'0'..=b'9' => "number",
        _ if ["+", "-", "*", "/", "//", "%", "^", "<", ">", "==", "!="].contains(&token) => "operator",
        _ => token,
    }
}

/// Runs a def for random sizes: a subscript outside its axis and a value read outside its domain are faults with code 0.
fn run_for_some_sizes(module: &Verified<Module>, random: &mut Random, source: &str) {
    for _ in 0..4 {
        let mut sizes: SecondaryMap<Dim, Option<i64>> = SecondaryMap::new();
        for (dim, decl) in &module.dims {
            sizes[dim] = Some(random.below(6) as i64 - if decl.kind == DimKind::Int { 2 } else { 0 });
        }
        let module = match specialise(module, &sizes) {
            Ok(module) => module,
            Err(found) => {
                assert!(found.iter().all(|d| d.code.0 != 199), "{found:#?}\n{source}");
                continue;
            }
        };
        let inputs: Vec<Data> = module.params.iter().map(|t| input(&module.tensors[*t], random)).collect();
        if let Err(fault) = run(&module, &inputs) {
            assert_ne!(fault.code, 0, "{fault}\n{source}\n{}", *module);
        }
    }
}

fn input(decl: &TensorDecl, random: &mut Random) -> Data {
    let shape: Vec<usize> = decl.literal_axes().expect("specialised").into_iter().map(|n| n as usize).collect();
    let value = |_| Value::small(random.below(5) as i32 - 2, decl.dtype);
    Data::new(decl.dtype, shape.clone(), (0..shape.iter().product()).map(value).collect())
}

#[test]
fn random_mistakes_are_refused_or_accepted() {
    let mut random = Random(7);
    let words: Vec<&str> = PROGRAMS.iter().flat_map(|p| p.split(' ')).collect();
    let (mut right, mut wrong) = (0, 0);
    for round in 0..ROUNDS {
        let mut tokens: Vec<&str> = PROGRAMS[round % PROGRAMS.len()].split(' ').collect();
        for _ in 0..=random.below(3) {
            let at = random.below(tokens.len());
            // Mostly a token of the same kind, so that most of the texts parse.
            let same: Vec<&str> = words.iter().copied().filter(|w| kind(w) == kind(tokens[at])).collect();
            tokens[at] = if random.below(8) == 0 { words[random.below(words.len())] } else { same[random.below(same.len())] };
        }
        let source = tokens.join(" ");
        let Ok(parsed) = parse(&source, FileId(0)) else { continue };
        match check(&parsed.program) {
            Ok(program) => {
                right += 1;
                for def in program.defs() {
                    run_for_some_sizes(&program.lower(def).expect("of the core"), &mut random, &source);
                }
            }
            Err(found) => {
                wrong += 1;
                assert!(!found.is_empty(), "{source}");
                assert!(found.iter().all(|d| d.code.0 != 199 && d.primary.is_some()), "{found:#?}\n{source}");
            }
        }
    }
    assert!(right > 100 && wrong > 400, "{right} {wrong}");
}

#[test]
fn deep_and_long_expressions_are_checked() {
    let chain = vec!["x[i]"; 400].join(" + ");
    let product = vec!["x[i]"; 400].join(" * ");
    let nested = format!("{}x[i]{}", "exp(".repeat(200), ")".repeat(200));
    for body in [chain, product, nested] {
        let source = format!("def f<N>(x: f32[N]) -> y: f32[N] {{ y[i] = {body}; }}");
        let parsed = parse(&source, FileId(0)).expect("parses");
        assert!(check(&parsed.program).is_ok());
    }
}
