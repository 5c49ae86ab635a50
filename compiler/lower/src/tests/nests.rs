use super::build::*;
use ein_ir::dtype::DType;
use ein_ir::entity::{Index, Tensor};
use ein_ir::plan::{Layout, Nest, StepKind};
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Mode, Scalar};
use ein_ir::tensor::ReduceOp;

/// Extents around every vector and tile edge.
const EXTENTS: [u64; 13] = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 67];

/// A plan of one nest.
fn plan_of(make: impl FnOnce(&mut Planner) -> Nest) -> Planner {
    let mut planner = Planner::new(3);
    let nest = make(&mut planner);
    planner.step(StepKind::Nest(nest));
    planner
}

fn ix(n: usize) -> Index {
    ein_ir::entity::EntityRef::new(n)
}

/// An elementwise nest over one shape: `out = body(x, y)`.
fn elementwise(dtype: DType, shape: &[u64], layout: Layout, body: impl Fn(Scalar, Scalar) -> Scalar) {
    plan_of(|p| {
        let (x, y) = (p.input_in(dtype, shape, layout.clone()), p.input_in(dtype, shape, layout));
        let subs: Vec<Scalar> = (0..shape.len()).map(i).collect();
        let body = body(p.at(x, &subs), p.at(y, &subs));
        let out = p.output(body.dtype, shape);
        NestBuilder::over(shape).map(out, body)
    })
    .check();
}

#[test]
fn elementwise_over_many_extents() {
    for n in EXTENTS {
        for dtype in [DType::F32, DType::F64, DType::I32, DType::I64, DType::U8, DType::I16, DType::C64] {
            for layout in [Layout::RowMajor, Layout::Strided] {
                elementwise(dtype, &[n], layout.clone(), |x, y| add(mul(x.clone(), y), x));
                elementwise(dtype, &[3, n], layout, sub);
            }
        }
    }
}

#[test]
fn large_nests_are_divided_into_tasks() {
    for shape in [vec![100_003], vec![301, 401], vec![2, 70_001], vec![70_001, 2]] {
        elementwise(DType::F32, &shape, Layout::RowMajor, add);
    }
}

#[test]
fn functions_of_floats() {
    let functions = [
        UnaryFn::Neg,
        UnaryFn::Abs,
        UnaryFn::Sign,
        UnaryFn::Floor,
        UnaryFn::Ceil,
        UnaryFn::Round,
        UnaryFn::Trunc,
        UnaryFn::Exp,
        UnaryFn::Sqrt,
        UnaryFn::Rsqrt,
        UnaryFn::Relu,
        UnaryFn::IsNan,
        UnaryFn::IsFinite,
        UnaryFn::Powi(5),
        UnaryFn::Powi(-3),
        UnaryFn::Powi(0),
        UnaryFn::Gelu,
    ];
    for function in functions {
        for dtype in [DType::F32, DType::F64] {
            elementwise(dtype, &[19], Layout::RowMajor, |x, _| un(function, x));
        }
    }
    let comparison = |f| move |x: Scalar, y: Scalar| choose(bin(f, x.clone(), y.clone()), add(x, y.clone()), y);
    for function in [BinaryFn::Lt, BinaryFn::Le, BinaryFn::Eq, BinaryFn::Ne, BinaryFn::Gt, BinaryFn::Ge] {
        for dtype in [DType::F32, DType::F64, DType::I32, DType::I64, DType::U32] {
            elementwise(dtype, &[21], Layout::RowMajor, comparison(function));
        }
    }
    for function in [BinaryFn::Max, BinaryFn::Min, BinaryFn::FloorDiv, BinaryFn::Rem, BinaryFn::Pow, BinaryFn::Atan2, BinaryFn::Div] {
        elementwise(DType::F64, &[37], Layout::RowMajor, |x, y| bin(function, x, y));
    }
}

#[test]
fn functions_of_integers() {
    for dtype in [DType::I8, DType::U8, DType::I16, DType::U16, DType::I32, DType::U32, DType::I64, DType::U64] {
        for function in [UnaryFn::Neg, UnaryFn::Abs, UnaryFn::Sign, UnaryFn::Relu, UnaryFn::BitNot, UnaryFn::Popcount, UnaryFn::Powi(3)] {
            elementwise(dtype, &[33], Layout::RowMajor, |x, _| un(function, x));
        }
        let functions =
            [BinaryFn::Max, BinaryFn::Min, BinaryFn::BitAnd, BinaryFn::BitOr, BinaryFn::Xor, BinaryFn::Shl, BinaryFn::Shr, BinaryFn::Lt];
        for function in functions {
            elementwise(dtype, &[33], Layout::RowMajor, |x, y| bin(function, x, y));
        }
        for divisor in [3.0, 4.0, 7.0, -5.0] {
            if divisor > 0.0 || dtype.class() == ein_ir::dtype::Class::Signed {
                elementwise(dtype, &[33], Layout::RowMajor, |x, _| bin(BinaryFn::FloorDiv, x, lit(divisor, dtype)));
                elementwise(dtype, &[33], Layout::RowMajor, |x, _| bin(BinaryFn::Rem, x, lit(divisor, dtype)));
            }
        }
        // 33 random divisors hold a 0 or do not: both outcomes agree with the oracle.
        elementwise(dtype, &[33], Layout::RowMajor, |x, y| bin(BinaryFn::FloorDiv, x, y));
        elementwise(dtype, &[3], Layout::RowMajor, |x, y| bin(BinaryFn::Rem, x, y));
    }
}

#[test]
fn functions_of_complex_numbers() {
    let functions = [
        UnaryFn::Neg,
        UnaryFn::Conj,
        UnaryFn::Abs,
        UnaryFn::Sign,
        UnaryFn::Exp,
        UnaryFn::Expm1,
        UnaryFn::Log,
        UnaryFn::Log1p,
        UnaryFn::Sqrt,
        UnaryFn::Rsqrt,
        UnaryFn::Sin,
        UnaryFn::Cos,
        UnaryFn::Tan,
        UnaryFn::Tanh,
        UnaryFn::Sigmoid,
        UnaryFn::Silu,
        UnaryFn::Real,
        UnaryFn::Imag,
        UnaryFn::IsNan,
        UnaryFn::Powi(3),
        UnaryFn::Powi(-2),
    ];
    for function in functions {
        elementwise(DType::C128, &[23], Layout::RowMajor, |x, _| un(function, x));
    }
    for function in [BinaryFn::Add, BinaryFn::Mul, BinaryFn::Div, BinaryFn::Pow, BinaryFn::Eq, BinaryFn::Ne] {
        elementwise(DType::C128, &[23], Layout::Strided, |x, y| bin(function, x, y));
    }
}

#[test]
fn shared_parts_are_written_once() {
    // Trees of choices over shared values, and powers as high as exponents go: neither may take exponential time or code.
    elementwise(DType::C128, &[5], Layout::RowMajor, |x, y| {
        (0..9).fold(x, |z, _| {
            bin(
                BinaryFn::Div,
                z,
                add(y.clone(), Scalar::literal(ein_ir::scalar::Literal::Complex(9.0, 1.0), DType::C128, Default::default())),
            )
        })
    });
    elementwise(DType::I64, &[9], Layout::RowMajor, |x, _| un(UnaryFn::Powi(i32::MAX), x));
    plan_of(|p| {
        let x = p.input(DType::I64, &[9]);
        let out = p.output(DType::I64, &[]);
        let mut nest = NestBuilder::over(&[]);
        let k = nest.index(0, 9);
        let body = un(UnaryFn::Powi(i32::MAX), p.at_modes(x, vec![(sub(i(0), int(1)), Mode::Pad)]));
        nest.reduce(out, ReduceOp::Sum, DType::I64, &[k], body)
    })
    .check();
}

#[test]
fn conversions() {
    let dtypes = [
        DType::Bool,
        DType::I8,
        DType::U8,
        DType::I16,
        DType::U16,
        DType::I32,
        DType::U32,
        DType::I64,
        DType::U64,
        DType::F32,
        DType::F64,
        DType::C64,
        DType::C128,
    ];
    for from in dtypes {
        for to in dtypes {
            elementwise(from, &[18], Layout::RowMajor, |x, _| x.cast(to));
        }
    }
}

/// A reduction of a matrix over an axis or both.
fn reduce_matrix(op: ReduceOp, dtype: DType, (rows, columns): (u64, u64), over: &[usize], layout: Layout) {
    plan_of(|p| {
        let x = p.input_in(dtype, &[rows, columns], layout);
        let extents = [rows, columns];
        let kept: Vec<u64> = (0..2).filter(|a| !over.contains(a)).map(|a| extents[a]).collect();
        let mut nest = NestBuilder::over(&kept);
        let binders: Vec<Index> = over.iter().map(|a| nest.index(0, extents[*a] as i64)).collect();
        let mut subs = Vec::new();
        let (mut outer, mut inner) = (0, 0);
        for axis in 0..2 {
            if over.contains(&axis) {
                subs.push(Scalar::index(binders[inner], Default::default()));
                inner += 1;
            } else {
                subs.push(i(outer));
                outer += 1;
            }
        }
        let arg = matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin);
        let out = p.output(if arg { DType::I64 } else { dtype }, &kept);
        let body = p.at(x, &subs);
        nest.reduce(out, op, dtype, &binders, body)
    })
    .check_within(1e-3);
}

#[test]
fn reductions_over_rows_and_columns() {
    for rows in [0, 1, 2, 5, 9, 35] {
        for columns in EXTENTS {
            for over in [&[0][..], &[1], &[0, 1]] {
                for dtype in [DType::F32, DType::F64, DType::I32, DType::I64] {
                    for op in [ReduceOp::Sum, ReduceOp::Max] {
                        reduce_matrix(op, dtype, (rows, columns), over, Layout::RowMajor);
                    }
                }
                for op in [ReduceOp::Prod, ReduceOp::Min, ReduceOp::Lse] {
                    reduce_matrix(op, DType::F64, (rows, columns), over, Layout::RowMajor);
                }
                for op in [ReduceOp::Any, ReduceOp::All] {
                    reduce_matrix(op, DType::Bool, (rows, columns), over, Layout::RowMajor);
                }
                reduce_matrix(ReduceOp::Sum, DType::C64, (rows, columns), over, Layout::RowMajor);
                reduce_matrix(ReduceOp::Prod, DType::C128, (rows.min(3), columns.min(4)), over, Layout::Strided);
                reduce_matrix(ReduceOp::Sum, DType::F32, (rows, columns), over, Layout::Strided);
            }
        }
    }
    for dtype in [DType::F32, DType::I64, DType::U8] {
        for (rows, columns) in [(3, 17), (1, 1), (4, 0)] {
            reduce_matrix(ReduceOp::ArgMax, dtype, (rows, columns), &[1], Layout::RowMajor);
            reduce_matrix(ReduceOp::ArgMin, dtype, (rows, columns), &[0], Layout::RowMajor);
        }
    }
}

#[test]
fn long_reductions() {
    for n in [5_000, 20_011] {
        for dtype in [DType::F32, DType::F64, DType::I32] {
            reduce_matrix(ReduceOp::Sum, dtype, (1, n), &[0, 1], Layout::RowMajor);
            reduce_matrix(ReduceOp::Sum, dtype, (n / 50, 50), &[0], Layout::RowMajor);
            reduce_matrix(ReduceOp::Sum, dtype, (3, n), &[1], Layout::RowMajor);
            reduce_matrix(ReduceOp::Max, dtype, (7, n / 7), &[0], Layout::RowMajor);
        }
    }
    reduce_matrix(ReduceOp::Sum, DType::F32, (67, 3_000), &[0], Layout::RowMajor);
    // Blocks of rows in memory, and blocks of blocks of a sum.
    reduce_matrix(ReduceOp::Sum, DType::F64, (37, 9_001), &[0], Layout::RowMajor);
    reduce_matrix(ReduceOp::Sum, DType::F64, (1, 270_001), &[0, 1], Layout::RowMajor);
    reduce_matrix(ReduceOp::Sum, DType::C64, (70, 600), &[0], Layout::RowMajor);
}

#[test]
fn special_values_in_reductions() {
    for op in [ReduceOp::Max, ReduceOp::Min, ReduceOp::Lse, ReduceOp::ArgMax, ReduceOp::ArgMin, ReduceOp::Sum] {
        for special in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in [0usize, 3, 40, 69] {
                let mut planner = plan_of(|p| {
                    let x = p.input(DType::F32, &[70]);
                    let mut nest = NestBuilder::over(&[]);
                    let k = nest.index(0, 70);
                    let out = p.output(if matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin) { DType::I64 } else { DType::F32 }, &[]);
                    let body = p.at(x, &[i(0)]);
                    nest.reduce(out, op, DType::F32, &[k], body)
                });
                planner.inputs[0][at] = ein_ir::scalar::value::Value::Float(special, DType::F32);
                planner.check();
            }
        }
    }
}

#[test]
fn permutations_and_diagonals() {
    for (rows, columns) in [(1, 1), (3, 5), (16, 16), (33, 67), (64, 40), (130, 70), (2_100, 19)] {
        for dtype in [DType::F32, DType::F64, DType::C64, DType::U8] {
            plan_of(|p| {
                let x = p.input(dtype, &[rows, columns]);
                let out = p.output(dtype, &[columns, rows]);
                let body = p.at(x, &[i(1), i(0)]);
                NestBuilder::over(&[columns, rows]).map(out, body)
            })
            .check();
        }
    }
    plan_of(|p| {
        let x = p.input(DType::F32, &[6, 5, 6]);
        let out = p.output(DType::F32, &[5, 6]);
        let body = p.at(x, &[i(1), i(0), i(1)]);
        NestBuilder::over(&[5, 6]).map(out, body)
    })
    .check();
    for order in [vec![2, 0, 1, 3], vec![3, 2, 1, 0], vec![1, 0, 3, 2], vec![0, 1, 3, 2]] {
        let shape = [3u64, 4, 5, 6];
        plan_of(|p| {
            let x = p.input(DType::F64, &shape);
            let out_shape: Vec<u64> = order.iter().map(|a| shape[*a]).collect();
            let out = p.output(DType::F64, &out_shape);
            let subs: Vec<Scalar> = (0..4).map(|axis| i(order.iter().position(|a| *a == axis).unwrap())).collect();
            let body = p.at(x, &subs);
            NestBuilder::over(&out_shape).map(out, body)
        })
        .check();
    }
}

#[test]
fn many_axes_of_extent_two() {
    let shape = [2u64; 12];
    for shift in [1, 5, 11] {
        plan_of(|p| {
            let x = p.input(DType::F32, &shape);
            let out = p.output(DType::F32, &shape);
            let subs: Vec<Scalar> = (0..12).map(|n| i((n * shift + 3) % 12)).collect();
            let body = p.at(x, &subs);
            NestBuilder::over(&shape).map(out, body)
        })
        .check();
    }
}

#[test]
fn convolutions_with_pads() {
    for (height, width, kernel, stride, pad) in
        [(5, 7, 3, 1, 1), (8, 33, 3, 1, 1), (9, 40, 5, 2, 2), (4, 20, 1, 1, 0), (3, 3, 5, 1, 2), (6, 19, 2, 1, 3)]
    {
        for (c_in, c_out) in [(1u64, 1u64), (3, 5)] {
            plan_of(|p| {
                let out_size = |n: u64| (n + 2 * pad as u64 - kernel as u64) / stride as u64 + 1;
                let x = p.input(DType::F32, &[2, c_in, height, width]);
                let w = p.input(DType::F32, &[c_out, c_in, kernel as u64, kernel as u64]);
                let shape = [2, c_out, out_size(height), out_size(width)];
                let out = p.output(DType::F32, &shape);
                let mut nest = NestBuilder::over(&shape);
                let binders = [nest.index(0, c_in as i64), nest.index(0, kernel), nest.index(0, kernel)];
                let at = |n: usize, k: usize| sub(add(mul(int(stride), i(n)), i(k)), int(pad));
                let subs = vec![(i(0), Mode::Exact), (i(4), Mode::Exact), (at(2, 5), Mode::Pad), (at(3, 6), Mode::Pad)];
                let body = mul(p.at_modes(x, subs), p.at(w, &[i(1), i(4), i(5), i(6)]));
                nest.reduce(out, ReduceOp::Sum, DType::F32, &binders, body)
            })
            .check();
        }
    }
}

#[test]
fn stencils_with_every_mode() {
    for mode in [Mode::Pad, Mode::Clamp, Mode::Wrap, Mode::Reflect] {
        for n in EXTENTS {
            for reach in [1i64, 2, 9] {
                plan_of(|p| {
                    let x = p.input(DType::F32, &[n]);
                    let out = p.output(DType::F32, &[n]);
                    let at = |p: &Planner, by: i64| p.at_modes(x, vec![(add(i(0), int(by)), mode)]);
                    let body = add(add(at(p, -reach), mul(lit(2.0, DType::F32), at(p, 0))), at(p, reach));
                    NestBuilder::over(&[n]).map(out, body)
                })
                .check();
            }
        }
        plan_of(|p| {
            let x = p.input(DType::F64, &[6, 21]);
            let out = p.output(DType::F64, &[6, 21]);
            let at = |p: &Planner, a: i64, b: i64| p.at_modes(x, vec![(add(i(0), int(a)), mode), (add(i(1), int(b)), mode)]);
            let body = add(add(at(p, -1, 0), at(p, 1, 0)), add(at(p, 0, -1), at(p, 0, 1)));
            NestBuilder::over(&[6, 21]).map(out, body)
        })
        .check();
    }
}

#[test]
fn an_empty_axis_faults_unless_padded() {
    for mode in [Mode::Pad, Mode::Clamp, Mode::Wrap, Mode::Reflect] {
        plan_of(|p| {
            let x = p.input(DType::F32, &[0]);
            let out = p.output(DType::F32, &[4]);
            let body = p.at_modes(x, vec![(sub(i(0), int(1)), mode)]);
            NestBuilder::over(&[4]).map(out, body)
        })
        .check();
    }
}

/// A guarded reduction or a choice over a triangle or a band.
fn conditions(a: Scalar, b: Scalar) -> Vec<Scalar> {
    vec![
        bin(BinaryFn::Le, b.clone(), a.clone()),
        bin(BinaryFn::Gt, b.clone(), a.clone()),
        bin(BinaryFn::Eq, a.clone(), b.clone()),
        bin(BinaryFn::Ne, a.clone(), b.clone()),
        bin(BinaryFn::Lt, un(UnaryFn::Abs, sub(a.clone(), b.clone())), int(4)),
        bin(BinaryFn::Le, mul(int(2), b.clone()), add(a.clone(), int(3))),
        bin(BinaryFn::And, bin(BinaryFn::Ge, a.clone(), int(3)), bin(BinaryFn::Lt, mul(int(3), b.clone()), sub(a.clone(), int(1)))),
        bin(BinaryFn::Or, bin(BinaryFn::Ge, a.clone(), int(7)), bin(BinaryFn::Lt, b.clone(), int(2))),
        bin(BinaryFn::Eq, bin(BinaryFn::Rem, add(a, b), int(3)), int(1)),
    ]
}

#[test]
fn guards_become_bounds() {
    for (rows, columns) in [(1, 1), (9, 9), (20, 35), (35, 20)] {
        for n in 0..9 {
            for (outer, inner) in [(0usize, 1usize), (1, 0)] {
                for dtype in [DType::F32, DType::I64] {
                    plan_of(|p| {
                        let x = p.input(dtype, &[rows, columns]);
                        let kept = [rows, columns][outer];
                        let summed = [rows, columns][inner];
                        let out = p.output(dtype, &[kept]);
                        let mut nest = NestBuilder::over(&[kept]);
                        let k = nest.index(0, summed as i64);
                        let mut subs = [i(0), i(1)];
                        if outer == 1 {
                            subs.swap(0, 1);
                        }
                        let body = p.at(x, &subs);
                        let mut nest = nest.reduce(out, ReduceOp::Sum, dtype, &[k], body);
                        nest.reduce.as_mut().unwrap().guard = Some(conditions(i(0), i(1))[n].clone());
                        nest
                    })
                    .check();
                }
            }
        }
    }
}

#[test]
fn choices_split_loops() {
    for (rows, columns) in [(1, 1), (9, 9), (20, 35), (3, 70)] {
        for n in 0..9 {
            let make = |domain: bool| {
                plan_of(|p| {
                    let x = p.input(DType::F32, &[rows, columns]);
                    let out = p.output(DType::F32, &[rows, columns]);
                    let condition = conditions(i(0), i(1))[n].clone();
                    let element = p.at(x, &[i(0), i(1)]);
                    let nest = NestBuilder::over(&[rows, columns]);
                    if domain {
                        let mut nest = nest.map(out, element);
                        nest.domain = Some(condition);
                        return nest;
                    }
                    nest.map(out, choose(condition, element.clone(), mul(element, lit(-2.0, DType::F32))))
                })
            };
            make(false).check();
            make(true).check();
        }
    }
}

#[test]
fn concatenation_reads_each_side_inside() {
    for (a, b) in [(1u64, 1u64), (5, 40), (33, 18)] {
        plan_of(|p| {
            let (x, y) = (p.input(DType::F32, &[a]), p.input(DType::F32, &[b]));
            let out = p.output(DType::F32, &[a + b]);
            let left = bin(BinaryFn::Lt, i(0), int(a as i64));
            let body = choose(left, p.at(x, &[i(0)]), p.at(y, &[sub(i(0), int(a as i64))]));
            NestBuilder::over(&[a + b]).map(out, body)
        })
        .check();
    }
}

#[test]
fn divisions_of_indices() {
    for (n, by) in [(12u64, 3i64), (12, 4), (13, 4), (7, 2), (60, 5)] {
        let last = n as i64 - 1;
        // Repeat, tile, reshape, and a sum of two indices.
        plan_of(|p| {
            let x = p.input(DType::F32, &[(last / by) as u64 + 1, by as u64]);
            let out = p.output(DType::F32, &[n]);
            let body = p.at(x, &[bin(BinaryFn::FloorDiv, i(0), int(by)), bin(BinaryFn::Rem, i(0), int(by))]);
            NestBuilder::over(&[n]).map(out, body)
        })
        .check();
        plan_of(|p| {
            let x = p.input(DType::F32, &[n]);
            let out = p.output(DType::F32, &[n, n]);
            let at = bin(BinaryFn::Rem, sub(add(i(0), mul(int(2), i(1))), int(5)), int(n as i64));
            let scale = bin(BinaryFn::FloorDiv, sub(i(0), i(1)), int(by)).cast(DType::F32);
            let body = mul(p.at(x, &[at]), scale);
            NestBuilder::over(&[n, n]).map(out, body)
        })
        .check();
    }
}

#[test]
fn reductions_with_epilogue_and_other_types() {
    for n in [1u64, 5, 40] {
        plan_of(|p| {
            let x = p.input(DType::I8, &[n, 9]);
            let out = p.output(DType::F64, &[9]);
            let mut nest = NestBuilder::over(&[9]);
            let k = nest.index(0, n as i64);
            let body = p.at(x, &[i(1), i(0)]).cast(DType::I32);
            let mut nest = nest.reduce(out, ReduceOp::Sum, DType::I32, &[k], body);
            let total = Scalar::new(ein_ir::scalar::ScalarKind::Accumulated, DType::I32, Default::default());
            nest.epilogue = Some(mul(total.cast(DType::F64), lit(0.5, DType::F64)));
            nest
        })
        .check();
        for over_rows in [true, false] {
            plan_of(|p| {
                let (x, g) = (p.input(DType::F32, &[n, 37]), p.input(DType::F32, &[37.max(n)]));
                let (kept, summed) = if over_rows { (37, n) } else { (n, 37) };
                let out = p.output(DType::F32, &[kept]);
                let mut nest = NestBuilder::over(&[kept]);
                let k = nest.index(0, summed as i64);
                let subs = if over_rows { [i(1), i(0)] } else { [i(0), i(1)] };
                let square = un(UnaryFn::Powi(2), p.at(x, &subs));
                let mut nest = nest.reduce(out, ReduceOp::Sum, DType::F32, &[k], square);
                let total = Scalar::new(ein_ir::scalar::ScalarKind::Accumulated, DType::F32, Default::default());
                nest.epilogue = Some(add(un(UnaryFn::Rsqrt, add(total, lit(1.0, DType::F32))), p.at(g, &[i(0)])));
                nest
            })
            .check();
        }
    }
}

#[test]
fn lazy_choices_do_not_fault() {
    plan_of(|p| {
        let (x, y) = (p.input(DType::I32, &[50]), p.input(DType::I32, &[50]));
        let out = p.output(DType::I32, &[50]);
        let (a, b) = (p.at(x, &[i(0)]), p.at(y, &[i(0)]));
        let zero = bin(BinaryFn::Eq, b.clone(), lit(0.0, DType::I32));
        NestBuilder::over(&[50]).map(out, choose(zero, a.clone(), bin(BinaryFn::FloorDiv, a, b)))
    })
    .check();
}

#[test]
fn pooling_with_small_windows() {
    for (height, width) in [(4, 6), (8, 34)] {
        for op in [ReduceOp::Max, ReduceOp::Sum] {
            plan_of(|p| {
                let x: Tensor = p.input(DType::F32, &[3, height, width]);
                let shape = [3, height / 2, width / 2];
                let out = p.output(DType::F32, &shape);
                let mut nest = NestBuilder::over(&shape);
                let (r, s) = (nest.index(0, 2), nest.index(0, 2));
                let body = p.at(x, &[i(0), add(mul(int(2), i(1)), i(3)), add(mul(int(2), i(2)), i(4))]);
                nest.reduce(out, op, DType::F32, &[r, s], body)
            })
            .check();
        }
    }
}

#[test]
fn index_values_are_data_too() {
    plan_of(|p| {
        let out = p.output(DType::F32, &[5, 9]);
        let value = add(mul(int(10), i(0)), i(1)).cast(DType::F32);
        NestBuilder::over(&[5, 9]).map(out, value)
    })
    .check();
    assert_eq!(ix(3).as_u32(), 3);
}
