use crate::{Axis, Contract, Contraction, Label, Operand, Subscript, plan};
use ein_ir::dtype::DType;
use ein_ir::entity::{Public, SecondaryMap};
use ein_ir::packed::layout::Content;
use ein_ir::packed::{Op, Packed, PlainValues, PublicSource};
use std::collections::HashMap;

fn einsum(equation: &str, shapes: &[&[u64]], secret: &str) -> Contraction {
    let (inputs, output) = equation.split_once("->").unwrap();
    let mut labels: Vec<Label> = Vec::new();
    let mut operands = Vec::new();
    for ((term, shape), c) in inputs.split(',').zip(shapes).zip(secret.chars()) {
        let mut axes = Vec::new();
        for (l, &size) in term.chars().zip(*shape) {
            let name = l.to_string();
            let label = labels.iter().position(|x| x.name == name).unwrap_or_else(|| {
                labels.push(Label { name, size });
                labels.len() - 1
            });
            axes.push(Axis { size, subscript: Subscript::Label(label as u8) });
        }
        operands.push(Operand { name: format!("x{}", operands.len()), axes, secret: c == 'c' });
    }
    let output = output.chars().map(|l| labels.iter().position(|x| x.name == l.to_string()).unwrap() as u8).collect();
    Contraction { labels, operands, output }
}

fn brute(c: &Contraction, data: &[Vec<i64>]) -> Vec<i64> {
    let sizes: Vec<u64> = c.labels.iter().map(|l| l.size).collect();
    let out_len: u64 = c.output.iter().map(|&l| sizes[l as usize]).product();
    let mut out = vec![0_i64; out_len as usize];
    let total: u64 = sizes.iter().product();
    for mut n in 0..total {
        let mut v = vec![0; sizes.len()];
        for (at, s) in v.iter_mut().zip(&sizes) {
            *at = n % s;
            n /= s;
        }
        let mut p = 1_i64;
        for (o, d) in c.operands.iter().zip(data) {
            let mut flat = 0;
            for a in &o.axes {
                flat = flat * a.size
                    + match a.subscript {
                        Subscript::Label(l) => v[l as usize],
                        Subscript::Fixed(k) => k,
                    };
            }
            p = p.wrapping_mul(d[flat as usize]);
        }
        let flat = c.output.iter().fold(0, |f, &l| f * sizes[l as usize] + v[l as usize]);
        out[flat as usize] = out[flat as usize].wrapping_add(p);
    }
    out
}

fn simulate(p: &Packed, inputs: &[Vec<i64>], publics: &[Vec<i64>], strict: bool) -> Vec<i64> {
    let n = p.slots as usize;
    let mut pubs: HashMap<Public, Vec<i64>> = HashMap::new();
    let mut given = publics.iter();
    for (id, decl) in p.publics.iter() {
        let v = match &decl.source {
            PublicSource::Given => given.next().unwrap().clone(),
            PublicSource::Einsum { equation, args } => {
                let shapes: Vec<&[u64]> = args.iter().map(|a| &p.publics[*a].shape[..]).collect();
                let c = einsum(equation, &shapes, &"p".repeat(args.len()));
                brute(&c, &args.iter().map(|a| pubs[a].clone()).collect::<Vec<_>>())
            }
        };
        pubs.insert(id, v);
    }
    let plain = |id| {
        let mut v = vec![0_i64; n];
        match &p.plains[id].values {
            PlainValues::Elements(t, segs) => {
                for s in segs {
                    for k in 0..s.count {
                        v[((s.slot + k * s.dslot) as usize) % n] = pubs[t][(s.flat as i64 + k as i64 * s.dflat) as usize];
                    }
                }
            }
            PlainValues::Constant(c, runs) => {
                for s in runs {
                    for k in 0..s.count {
                        v[((s.slot + k * s.dslot) as usize) % n] = *c as i64;
                    }
                }
            }
        }
        v
    };
    let mut vals: SecondaryMap<_, Vec<i64>> = SecondaryMap::new();
    for (id, op) in p.ops.iter() {
        let z = |a: &[i64], b: &[i64], f: &dyn Fn(i64, i64) -> i64| a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect::<Vec<_>>();
        vals[id] = match *op {
            Op::Input { input, chunk } => {
                let l = &p.inputs[input].layout;
                let mut seen = vec![0_i64; n];
                for (slot, out) in seen.iter_mut().enumerate() {
                    *out = match l.content(u64::from(chunk) * n as u64 + slot as u64) {
                        Content::Element(f) => inputs[input.as_u32() as usize][f as usize],
                        Content::Zero => 0,
                        Content::Junk => 1_000_003 * slot as i64 + 77,
                    };
                }
                seen
            }
            Op::Rotate { x, by } => {
                let mut v = vals[x].clone();
                v.rotate_left(by as usize);
                v
            }
            Op::Add(a, b) => z(&vals[a], &vals[b], &i64::wrapping_add),
            Op::Sub(a, b) => z(&vals[a], &vals[b], &i64::wrapping_sub),
            Op::Neg(a) => vals[a].iter().map(|x| x.wrapping_neg()).collect(),
            Op::AddPlain(a, q) => z(&vals[a], &plain(q), &i64::wrapping_add),
            Op::MulPlain(a, q) | Op::Mask(a, q) => z(&vals[a], &plain(q), &i64::wrapping_mul),
            Op::Mul(a, b) => z(&vals[a], &vals[b], &i64::wrapping_mul),
            Op::Relin(a) | Op::Rescale(a) | Op::Drop(a, _) => vals[a].clone(),
        };
    }
    let o = &p.outputs[0];
    let len: u64 = o.layout.shape.iter().product();
    let mut out = vec![None; len as usize];
    for a in 0..(n as u64) << o.layout.chunks.len() {
        let v = vals[o.values[(a / n as u64) as usize]][(a % n as u64) as usize];
        match o.layout.content(a) {
            Content::Element(f) => {
                if let Some(old) = out[f as usize] {
                    assert_eq!(old, v, "replicas differ");
                }
                out[f as usize] = Some(v);
            }
            Content::Zero => assert_eq!(v, 0, "zero claimed at {a} of {}", o.layout),
            Content::Junk => assert!(!strict),
        }
    }
    out.into_iter().map(|v| v.unwrap()).collect()
}

fn run(equation: &str, shapes: &[&[u64]], secret: &str, log_slots: usize, contract: Contract) -> ein_ir::packed::Counts {
    let c = einsum(equation, shapes, secret);
    let p = plan(&c, contract, DType::I64, log_slots);
    let data: Vec<Vec<i64>> = c
        .operands
        .iter()
        .enumerate()
        .map(|(n, o)| (0..o.shape().iter().product::<u64>()).map(|k| (((k + 1) * 7919 + n as u64 * 104729) % 2003) as i64 - 1001).collect())
        .collect();
    let pick = |s: bool| c.operands.iter().zip(&data).filter(|(o, _)| o.secret == s).map(|(_, d)| d.clone()).collect::<Vec<_>>();
    let got = simulate(&p, &pick(true), &pick(false), contract == Contract::Strict);
    assert!(got == brute(&c, &data), "{equation} {shapes:?} {secret} {contract:?}: wrong");
    p.counts()
}

#[test]
fn table() {
    let cases: &[(&str, &[&[u64]], &str, &str)] = &[
        ("ij->ji", &[&[128, 128]], "31/0/255/1/30", "0/0/0/0/0"),
        ("ij->", &[&[128, 128]], "14/0/1/1/14", "14/0/0/0/14"),
        ("ij->j", &[&[128, 128]], "7/0/1/1/7", "7/0/0/0/7"),
        ("ij->i", &[&[128, 128]], "29/0/128/1/29", "7/0/0/0/7"),
        ("ik,k->i", &[&[128, 128], &[128]], "36/1/128/2/36", "14/1/0/1/14"),
        ("ik,kj->ij", &[&[16, 32], &[32, 32]], "36/1/65/3/36", "14/1/0/1/14"),
        ("i,i->", &[&[16384], &[16384]], "14/1/1/2/14", "14/1/0/1/14"),
        ("ij,ij->", &[&[128, 128], &[128, 128]], "14/1/1/2/14", "14/1/0/1/14"),
        ("ij,ij->ij", &[&[128, 128], &[128, 128]], "0/1/0/1/0", "0/1/0/1/0"),
        ("i,j->ij", &[&[128], &[128]], "37/1/128/2/37", "14/1/0/1/14"),
        ("ijk,ikl->ijl", &[&[16, 8, 8], &[16, 8, 8]], "19/1/17/3/19", "9/1/0/1/9"),
        ("ij,ij,ij->ij", &[&[128, 128], &[128, 128], &[128, 128]], "0/2/0/2/0", "0/2/0/2/0"),
        ("ij,jk,kl->il", &[&[16, 8], &[8, 8], &[8, 16]], "71/2/201/4/61", "28/2/0/2/20"),
        ("ik,jkl,il->ij", &[&[8, 16], &[8, 16, 16], &[8, 16]], "67/2/200/4/64", "25/2/0/2/22"),
        ("pqrs,tuqvr->pstuv", &[&[2, 4, 8, 8], &[1, 4, 4, 2, 8]], "36/1/63/3/35", "12/1/0/1/12"),
    ];
    let with_public: &[(&str, &[&[u64]], &str)] = &[
        ("ij,j->i", &[&[128, 128], &[128]], "pc"),
        ("ij,j->i", &[&[1024, 1024], &[1024]], "pc"),
        ("ij,jk,k->i", &[&[128, 128], &[128, 128], &[128]], "ppc"),
        ("ij,j->i", &[&[16, 4096], &[4096]], "pc"),
        ("bj,ij->bi", &[&[8, 64], &[64, 64]], "cp"),
        ("ik,kj->ij", &[&[64, 64], &[64, 64]], "cp"),
        ("ij->ji", &[&[256, 256]], "c"),
        ("ij->i", &[&[512, 128]], "c"),
        ("ij,jk->ik", &[&[64, 64], &[64, 64]], "cc"),
        ("ij,jk->ik", &[&[50, 64], &[64, 43]], "cc"),
        ("ij,jk->ik", &[&[128, 128], &[128, 128]], "cc"),
        ("ii->i", &[&[64, 64]], "c"),
        ("abcd->dcba", &[&[8, 16, 16, 8]], "c"),
    ];
    for (equation, shapes, secret) in with_public {
        for contract in [Contract::Strict, Contract::Free] {
            let start = std::time::Instant::now();
            let c = run(equation, shapes, secret, 14, contract);
            println!(
                "{equation:20} {contract:?}: {}/{}/{}/{}/{} relin {} {:?}",
                c.rotations,
                c.mulcc,
                c.mulcp,
                c.depth,
                c.keys,
                c.relins,
                start.elapsed()
            );
        }
    }
    for (equation, shapes, strict, free) in cases {
        let secret = "c".repeat(shapes.len());
        for (contract, goal) in [(Contract::Strict, strict), (Contract::Free, free)] {
            let start = std::time::Instant::now();
            let c = run(equation, shapes, &secret, 14, contract);
            println!(
                "{equation:20} {contract:?}: {}/{}/{}/{}/{}  goal {goal} {:?}",
                c.rotations,
                c.mulcc,
                c.mulcp,
                c.depth,
                c.keys,
                start.elapsed()
            );
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

#[test]
fn random() {
    let mut random = Random(1);
    for round in 0..600 {
        let n_labels = 1 + random.below(5);
        let sizes: Vec<u64> = (0..n_labels).map(|_| [0, 1, 2, 2, 3, 3, 4, 5, 7, 8][random.below(10) as usize]).collect();
        let n_operands = 1 + random.below(4) as usize;
        let mut terms: Vec<String> = Vec::new();
        let mut shapes: Vec<Vec<u64>> = Vec::new();
        let letter = |l: u64| char::from(b'a' + l as u8);
        for _ in 0..n_operands {
            let rank = random.below(4);
            let labels: Vec<u64> = (0..rank).map(|_| random.below(n_labels)).collect();
            terms.push(labels.iter().map(|&l| letter(l)).collect());
            shapes.push(labels.iter().map(|&l| sizes[l as usize]).collect());
        }
        let mut used: Vec<char> = terms.concat().chars().collect();
        used.sort_unstable();
        used.dedup();
        let mut output = String::new();
        while !used.is_empty() && random.below(3) > 0 {
            output.push(used.remove(random.below(used.len() as u64) as usize));
        }
        let mut secret: String = (0..n_operands).map(|_| if random.below(3) > 0 { 'c' } else { 'p' }).collect();
        if !secret.contains('c') {
            secret.replace_range(0..1, "c");
        }
        let equation = format!("{}->{output}", terms.join(","));
        let shapes: Vec<&[u64]> = shapes.iter().map(|s| &s[..]).collect();
        for contract in [Contract::Strict, Contract::Free] {
            let log_slots = 3 + random.below(6) as usize;
            println!("{round}: {equation} {shapes:?} {secret} {log_slots} {contract:?}");
            run(&equation, &shapes, &secret, log_slots, contract);
        }
    }
}
