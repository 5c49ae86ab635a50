//! From specialised tensor IR to a [`Program`]: equations as sums of products.

use crate::beyond::left_out;
use crate::brackets::Brackets;
use crate::budgets::Budgets;
use crate::clear::{Clear, reads, results};
use crate::constants::inlined;
use crate::contraction::Operand;
use crate::functions::divisors;
use crate::known::{Known, endless, known};
use crate::program::{Label, Origin, Program, Sum, Tensor, Term};
use crate::rounding::rounded;
use crate::secret::{OF_SECRETS, named};
use crate::shift::{shifted, written_out};
use crate::taken::taken;
use crate::together::Elements;
use crate::trees::{halved, obstacle};
use crate::unroll::unrolled;
use crate::whole::{refusal, solved};
use ein_ir::diagnostic::Diagnostic;
use ein_ir::dtype::{Class, DType};
use ein_ir::entity::{Index, SecondaryMap, Tensor as TensorId};
use ein_ir::range::Range;
use ein_ir::range::module::Ranges;
use ein_ir::scalar::function::{BinaryFn, UnaryFn};
use ein_ir::scalar::{Literal, Scalar, ScalarKind};
use ein_ir::span::Span;
use ein_ir::tensor::{Definition, Equation, Module, ReduceOp, ToleranceKind};
use ein_ir::verified::Verified;
use std::collections::{BTreeMap, BTreeSet};

/// Products out of which an equation may consist once its brackets are multiplied out.
const MAX_TERMS: usize = 256;
/// Labels of an equation and factors of a product that can be told apart.
pub(crate) const MAX_LABELS: usize = 52;
pub(crate) const MAX_OPERANDS: usize = 24;
/// Numbers from here on are no range that says much where none is declared: those of a wide integer.
const MANY: f64 = 2_147_483_648.0;

/// What was read.
pub struct Read {
    /// What is planned.
    pub program: Program,
    /// Computes the public tensors of the program that are no parameters; none if all are.
    pub clear: Option<Verified<Module>>,
}

/// Reads a module; its secret tensors are those that are declared so and what is computed from them.
///
/// # Errors
/// What ciphertexts cannot do, each with its place: E0712 to E0716, E0190.
pub fn read(module: &Verified<Module>) -> Result<Read, Vec<Diagnostic>> {
    read_as(module, Elements::InPieces).map(|(read, _)| read)
}

/// Reads a module; whether elements of it may as well be selected.
pub(crate) fn read_as(module: &Verified<Module>, elements: Elements) -> Result<(Read, bool), Vec<Diagnostic>> {
    let unrolled = unrolled(module)?;
    let module = unrolled.as_ref().unwrap_or(module);
    let inlined = inlined(module);
    let module = inlined.as_ref().unwrap_or(module);
    let taken = taken(module);
    let written_out = written_out(&taken);
    let module = written_out.as_ref().unwrap_or(&taken);
    let solved = solved(module);
    let module = solved.as_ref().unwrap_or(module);
    let shifted = shifted(module);
    let module = shifted.as_ref().unwrap_or(module);
    let left_out = left_out(module);
    let module = left_out.as_ref().unwrap_or(module);
    let halved = halved(module);
    let module = halved.as_ref().unwrap_or(module);
    let program = Program { name: module.name.clone(), ..Program::default() };
    let mut reader = Reader {
        module,
        program,
        clear: Clear::new(module),
        ranges: Ranges::deciding(module),
        secret: BTreeSet::new(),
        ids: SecondaryMap::new(),
        clear_tensors: Vec::new(),
        approximate: BTreeSet::new(),
        divisors: divisors(module),
        budgets: Budgets::of_module(module),
        refused: BTreeSet::new(),
        masks: BTreeSet::new(),
        elements,
        may_be_selected: false,
        brackets: Brackets::default(),
    };
    let mut errors = Vec::new();
    for &param in &module.params {
        if module.tensors[param].secret {
            reader.secret.insert(param);
            if let Err(error) = reader.declare(param, Origin::Secret) {
                reader.refused.insert(param);
                errors.push(error);
            }
        }
    }
    for definition in &module.body {
        let Err(error) = reader.definition(definition) else { continue };
        let is_said = reader.follows_from_refused(definition, &error);
        reader.refused.extend(results(definition));
        if !is_said && !follows(&error, &errors) {
            errors.push(named(module, definition, error));
        }
    }
    for &result in &module.results {
        if reader.is_secret(result) {
            reader.program.results.extend(reader.ids[result]);
            reader.stated(result);
        }
    }
    reader.program.ranges.extend(ranges(module, &reader.ranges, &reader.ids));
    reader.program.endless = endless(module).into_iter().map(|(param, of)| (module.tensors[param].name.clone(), of)).collect();
    if errors.is_empty() && reader.program.results.is_empty() {
        errors.push(nothing_secret(module));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let may_be_selected = reader.may_be_selected;
    let clear = reader.clear.finish(&reader.clear_tensors).transpose()?;
    let mut program = reader.program;
    if let Some(clear) = &clear {
        let Known { ranges, assumed, endless } = known(clear).map_err(|refused| vec![refused])?;
        let computed = program.tensors.iter().enumerate().filter(|(_, tensor)| !tensor.is_secret());
        program.ranges.extend(computed.filter_map(|(n, tensor)| Some((n, *ranges.get(&tensor.name)?))));
        program.assumed = assumed;
        program.endless.extend(endless);
    }
    let rounded = rounded(module, &reader.secret).into_iter();
    program.rounded = rounded.filter_map(|(tensor, off)| Some((reader.ids[tensor]?, off))).collect();
    Ok((Read { program, clear }, may_be_selected))
}

/// Whether a mistake is another one over again: in a step of a recurrence, or of what has no range for the same reason.
fn follows(error: &Diagnostic, others: &[Diagnostic]) -> bool {
    let roots = |error: &Diagnostic| error.others.iter().map(|label| label.span).collect::<Vec<_>>();
    let place = |error: &Diagnostic| error.primary.as_ref().map(|label| label.span);
    let is_same = |other: &Diagnostic| other.code == error.code && other.message == error.message && place(other) == place(error);
    let is_without_range = error.code.0 == 710 && !error.others.is_empty();
    let known: Vec<Span> = others.iter().filter(|other| other.code.0 == 710).flat_map(roots).collect();
    others.iter().any(is_same) || (is_without_range && roots(error).iter().all(|root| known.contains(root)))
}

/// What is known of the elements of tensors: what is declared, however large, and what follows from it. That a type has no others is not worth
/// much where it has many.
fn ranges(module: &Module, ranges: &Ranges, ids: &SecondaryMap<TensorId, Option<usize>>) -> BTreeMap<usize, (f64, f64)> {
    let known = module.tensors.keys().filter_map(|tensor| {
        let range = match ranges.of_tensor(module, tensor) {
            Range::Real(lo, hi) => (lo, hi),
            #[expect(clippy::cast_precision_loss, reason = "a bound")]
            Range::Integer((lo, hi)) => (lo as f64, hi as f64),
            Range::Unordered => return None,
        };
        let is_declared = module.params.contains(&tensor) && module.tensors[tensor].bounds.is_some();
        let is_known = range.0.is_finite() && range.1.is_finite() && (is_declared || range.0.abs().max(range.1.abs()) < MANY);
        ids[tensor].filter(|_| is_known).map(|id| (id, range))
    });
    known.collect()
}

fn nothing_secret(module: &Module) -> Diagnostic {
    let message = format!("no result of `{}` is computed from a secret input, so there is nothing to encrypt", module.name);
    let found = Diagnostic::error(718, "he-leak", message);
    if let Some(&param) = module.params.iter().find(|param| module.tensors[**param].secret) {
        let decl = &module.tensors[param];
        let is_empty = decl.literal_axes().is_some_and(|axes| axes.contains(&0));
        return found
            .at(decl.span, if is_empty { "secret, and has no elements" } else { "secret, and no result depends on it" })
            .help("run it in the clear, or compute a result from what is secret");
    }
    let found = found.help("mark what is to be encrypted: `x: secret f32[N]`");
    match module.params.first() {
        Some(&param) => found.at(module.tensors[param].span, "not secret"),
        None => found,
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) module: &'a Module,
    pub(crate) program: Program,
    pub(crate) clear: Clear,
    /// Between which numbers the tensors of the module lie.
    pub(crate) ranges: Ranges,
    secret: BTreeSet<TensorId>,
    ids: SecondaryMap<TensorId, Option<usize>>,
    /// Tensors of the program that are in the clear.
    clear_tensors: Vec<TensorId>,
    /// Tensors that are computed with polynomials in the place of functions.
    pub(crate) approximate: BTreeSet<TensorId>,
    /// Tensors that others are divided by.
    divisors: BTreeSet<TensorId>,
    /// What results may be off by, by what they are computed from.
    pub(crate) budgets: Budgets,
    /// Tensors of which it was said already that there are none in ciphertexts.
    refused: BTreeSet<TensorId>,
    /// Those of the program whose elements are 0 and 1.
    pub(crate) masks: BTreeSet<usize>,
    /// How elements beyond the ends of axes are read, and whether there are some that may as well be selected.
    pub(crate) elements: Elements,
    pub(crate) may_be_selected: bool,
    pub(crate) brackets: Brackets,
}

/// Where an expression stands.
#[derive(Clone)]
pub(crate) struct Scope {
    /// The tensor that is defined.
    pub(crate) name: String,
    /// The error that the results may have that are computed from it, if they say.
    pub(crate) budget: Option<f64>,
    /// These results.
    pub(crate) results: Vec<TensorId>,
    /// Indices of the equation: the first labels.
    pub(crate) indices: Vec<Index>,
    /// Every label; those after the indices number positions of an axis, one of which is selected.
    pub(crate) labels: Vec<Label>,
    /// What holds where the value is read.
    pub(crate) conditions: Vec<Scalar>,
    /// Whether something is divided by the value.
    pub(crate) divides: bool,
    /// Largest number that the value is multiplied by, as far as it is known to matter.
    pub(crate) factor: f64,
}

/// A product of an expression that is multiplied out.
#[derive(Clone, Default)]
pub(crate) struct Product {
    pub(crate) coefficient: f64,
    pub(crate) factors: Vec<Operand>,
}

impl<'a> Reader<'a> {
    fn declare(&mut self, id: TensorId, origin: Origin) -> Result<usize, Diagnostic> {
        let is_param = self.module.params.contains(&id);
        let decl = if matches!(origin, Origin::Public) { self.clear.decl(id) } else { &self.module.tensors[id] };
        let shape = decl.literal_axes().ok_or_else(|| refused(decl.span, "a size beyond 64 bits"))?;
        if shape.len() > MAX_LABELS {
            return Err(refused(decl.span, &format!("a tensor of {} axes (at most {MAX_LABELS})", shape.len())));
        }
        let is_secret = matches!(origin, Origin::Secret);
        let n = self.program.tensors.len();
        self.ids[id] = Some(n);
        self.program.tensors.push(Tensor { name: decl.name.clone(), dtype: decl.dtype, shape, origin, span: decl.span });
        // What is computed from such a tensor need not be said again.
        if is_secret && is_param && !is_number(decl.dtype) {
            let message = format!("`{}` is encrypted and has elements of type {}", decl.name, decl.dtype);
            return Err(Diagnostic::error(716, "he-dtype", message).at(decl.span, "secret here").help(if decl.dtype == DType::Bool {
                "packed ciphertexts hold numbers: give 0 and 1 as i32; `--target tfhe` takes truth values"
            } else {
                "packed ciphertexts hold real numbers and integers: give real and imaginary parts each as a parameter"
            }));
        }
        Ok(n)
    }

    /// Whether nothing is wrong but that something has no place in ciphertexts, or no range, of which that was said already.
    fn follows_from_refused(&self, definition: &Definition, error: &Diagnostic) -> bool {
        let mut read = BTreeSet::new();
        reads(definition, &mut read);
        read.iter().any(|tensor| self.refused.contains(tensor) && (error.code.0 == 710 || !is_number(self.module.tensors[*tensor].dtype)))
    }

    /// A tensor in the clear that the program reads.
    pub(crate) fn public(&mut self, id: TensorId) -> Result<usize, Diagnostic> {
        if let Some(n) = self.ids[id] {
            return Ok(n);
        }
        let n = self.declare(id, Origin::Public)?;
        self.clear_tensors.push(id);
        Ok(n)
    }

    /// What the program states that a result may be off by.
    fn stated(&mut self, result: TensorId) {
        let decl = &self.module.tensors[result];
        let (Some(tolerance), Some(id)) = (decl.tolerance, self.ids[result]) else { return };
        if tolerance.kind == ToleranceKind::Abs {
            self.program.budgets.insert(id, tolerance.value);
        } else {
            self.program.relative.push(decl.name.clone());
        }
    }

    /// A secret tensor as the program numbers it.
    pub(crate) fn secret_id(&self, id: TensorId, span: Span) -> Result<usize, Diagnostic> {
        self.ids[id].ok_or_else(|| refused(span, "a value of a scan"))
    }

    /// The tensor that is numbered so in the program.
    pub(crate) fn tensor_of(&self, n: usize) -> Option<TensorId> {
        let computed = self.clear_tensors.iter().copied();
        self.module.tensors.keys().chain(computed).find(|&id| self.ids[id] == Some(n))
    }

    pub(crate) fn is_secret(&self, id: TensorId) -> bool {
        self.secret.contains(&id)
    }

    fn definition(&mut self, definition: &'a Definition) -> Result<(), Diagnostic> {
        let mut read = BTreeSet::new();
        reads(definition, &mut read);
        if read.iter().all(|tensor| !self.is_secret(*tensor)) {
            self.clear.define(definition);
            return Ok(());
        }
        // Even a refused tensor is secret to those that read it.
        self.secret.extend(results(definition));
        if read.iter().any(|tensor| self.approximate.contains(tensor)) {
            self.approximate.extend(results(definition));
        }
        let n_errors = self.program.errors.len();
        let refusal = match definition {
            Definition::Equation(equation) => {
                let (origin, others, error) = match self.in_each_way(|reader| reader.equation(equation)) {
                    Ok((sum, others)) => (Origin::Sum(sum), others, None),
                    Err(error) => (Origin::Secret, Vec::new(), Some(error)),
                };
                if self.program.errors.len() > n_errors {
                    self.approximate.insert(equation.out);
                }
                let tensor = self.declare(equation.out, origin)?;
                others.into_iter().for_each(|other| self.is_also(tensor, other));
                return error.map_or(Ok(()), Err);
            }
            Definition::Multi(multi) => {
                let given = |n: usize| multi.args.get(n).copied();
                let dtype = given(0).map_or(DType::F64, |arg| self.module.tensors[arg].dtype);
                refusal(multi, dtype, given(0).is_some_and(|arg| self.is_secret(arg)))
            }
            Definition::Scan(scan) => refused(scan.span, "a scan"),
            Definition::Generate(generate) => refused(generate.span, "a formula"),
            Definition::Table(table) => refused(table.span, "a table"),
        };
        results(definition).into_iter().try_for_each(|result| self.declare(result, Origin::Secret).map(|_| ()))?;
        Err(refusal)
    }

    /// Notes another way to write a sum.
    pub(crate) fn is_also(&mut self, tensor: usize, other: Sum) {
        if !other.terms.is_empty() && self.program.sums(tensor).all(|known| *known != other) {
            self.program.alternatives.entry(tensor).or_default().push(other);
        }
    }

    /// Whether a value is what its type says, and not only modulo its range: slots do not wrap at the types of a program.
    pub(crate) fn has_not_wrapped(&self, value: &Scalar) -> bool {
        let given = |id: usize| matches!(self.program.tensors[id].origin, Origin::Secret | Origin::Public);
        // What wraps may be any number of its type.
        let range = self.ranges.of_scalar(self.module, value);
        if value.dtype.is_integer() && range != Range::of_type(value.dtype) {
            return true;
        }
        match &value.kind {
            ScalarKind::Access(access) => value.dtype.is_float() || self.ids[access.tensor].is_none_or(given),
            ScalarKind::Literal(_) => true,
            _ => value.dtype.is_float(),
        }
    }

    pub(crate) fn is_public(&self, scalar: &Scalar) -> bool {
        let mut public = true;
        scalar.visit(&mut |node| {
            if let ScalarKind::Access(access) = &node.kind {
                public &= !self.is_secret(access.tensor);
            }
        });
        public
    }

    fn equation(&mut self, equation: &Equation) -> Result<Sum, Diagnostic> {
        let mut indices: Vec<Index> = equation.indices.clone();
        let guard = equation.reduce.as_ref().and_then(|reduce| reduce.guard.as_ref());
        if let Some(reduce) = &equation.reduce {
            if let Some(obstacle) = obstacle(self.module, equation, &self.ranges) {
                return Err(self.not_compared(obstacle, reduce, equation));
            }
            if reduce.op != ReduceOp::Sum {
                return Err(semiring(equation.span, reduce.op.name(), of_what(&equation.body)));
            }
            indices.extend(&reduce.binders);
        }
        if indices.len() > MAX_LABELS {
            return Err(refused(equation.span, &format!("an equation with {} indices (at most {MAX_LABELS})", indices.len())));
        }
        let labels = indices.iter().map(|&index| self.label(index)).collect::<Result<Vec<_>, _>>()?;
        let output = (0_u8..).zip(&equation.indices).map(|(label, _)| label).collect();
        // Where a value is not read it may be anything that is a number.
        let conditions = equation.domain.iter().cloned().collect();
        let name = self.module.tensors[equation.out].name.clone();
        let divides = self.divisors.contains(&equation.out);
        let (budget, results) = (self.budgets.of(equation.out), self.budgets.results(equation.out).collect());
        let mut scope = Scope { name, budget, results, indices, labels, conditions, divides, factor: 1.0 };
        let products = match guard {
            Some(guard) => self.under(guard.clone(), &equation.body, &mut scope)?,
            None => self.expand(&equation.body, &mut scope)?,
        };
        let n_binders = scope.indices.len() - equation.indices.len();
        let mut terms = Vec::with_capacity(products.len());
        for product in products {
            let product = self.whole_factors(product, equation.indices.len(), &scope, equation.span)?;
            terms.push(self.term(product, &scope.indices, n_binders, (equation.body.dtype, equation.span))?);
        }
        if scope.labels.len() > MAX_LABELS {
            return Err(refused(equation.span, &format!("an equation with {} indices (at most {MAX_LABELS})", scope.labels.len())));
        }
        self.merged(Sum { labels: scope.labels, output, terms }, &scope.name, equation.span)
    }

    pub(crate) fn label(&self, index: Index) -> Result<Label, Diagnostic> {
        let decl = &self.module.indices[index];
        let (lo, hi) = decl.literal_range().ok_or_else(|| refused(decl.span, "a range beyond 64 bits"))?;
        Ok(Label { name: decl.name.clone(), size: u64::try_from(hi.saturating_sub(lo)).unwrap_or(0) })
    }

    fn term(&self, product: Product, indices: &[Index], n_binders: usize, (dtype, span): (DType, Span)) -> Result<Term, Diagnostic> {
        let mut operands = Vec::with_capacity(product.factors.len());
        for factor in product.factors {
            // A mask is its square.
            if !(self.masks.contains(&factor.tensor) && operands.contains(&factor)) {
                operands.push(factor);
            }
        }
        if operands.len() > MAX_OPERANDS {
            return Err(too_long(span, &format!("a product of {} factors (at most {MAX_OPERANDS})", operands.len())));
        }
        // A sum over an index that no factor has counts its positions.
        let binders = indices.len() - n_binders..indices.len();
        let unread = binders.filter(|&n| !operands.iter().any(|operand| operand.reads(u8::try_from(n).unwrap_or(u8::MAX))));
        let mut coefficient = product.coefficient;
        for n in unread {
            #[expect(clippy::cast_precision_loss, reason = "a count of positions that are summed over")]
            let count = self.label(indices[n])?.size as f64;
            coefficient *= count;
        }
        check_coefficient(coefficient, dtype, span)?;
        Ok(Term { coefficient, operands })
    }

    /// An expression as a sum of products. What is public and no sum of products of tensors is computed in the clear.
    pub(crate) fn expand(&mut self, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        if self.is_public(scalar) {
            if self.is_polynomial(scalar, scope)
                && let Ok(products) = self.multiplied_out(scalar, scope)
            {
                return Ok(products);
            }
            let is_product = matches!(scalar.kind, ScalarKind::Binary(BinaryFn::Mul, ..)) && scalar.dtype.is_float();
            if !is_product || !scope.conditions.is_empty() {
                return self.in_the_clear(scalar, scope);
            }
        }
        self.multiplied_out(scalar, scope)
    }

    fn multiplied_out(&mut self, scalar: &Scalar, scope: &mut Scope) -> Result<Vec<Product>, Diagnostic> {
        if let Some(decided) = self.decided(scalar, scope) {
            return self.expand(&decided, scope);
        }
        if let Some(products) = self.fused(scalar, scope)? {
            return Ok(products);
        }
        let products = match &scalar.kind {
            ScalarKind::Literal(literal) => vec![Product {
                coefficient: number(*literal).ok_or_else(|| refused(scalar.span, "a complex constant"))?,
                factors: Vec::new(),
            }],
            ScalarKind::Access(access) => self.access(access, scalar, scope)?,
            ScalarKind::Cast(value) if holds(scalar.dtype, value.dtype) && self.has_not_wrapped(value) => self.expand(value, scope)?,
            ScalarKind::Cast(value) if is_same_modulo(scalar.dtype, value.dtype) => self.expand(value, scope)?,
            ScalarKind::Unary(UnaryFn::Neg, value) => scaled(self.expand(value, scope)?, -1.0),
            ScalarKind::Unary(UnaryFn::Keep, value) => self.expand(value, scope)?,
            ScalarKind::Unary(UnaryFn::Floor | UnaryFn::Ceil | UnaryFn::Round | UnaryFn::Trunc, value) if value.dtype.is_integer() => {
                self.expand(value, scope)?
            }
            ScalarKind::Unary(UnaryFn::Powi(n), value) if *n >= 0 => {
                let base = self.base(value, *n, scope)?;
                self.whole_power(base, *n, (value, scalar), scope)?
            }
            ScalarKind::Binary(BinaryFn::Add, a, b) => [self.expand(a, scope)?, self.expand(b, scope)?].concat(),
            ScalarKind::Binary(BinaryFn::Sub, a, b) => [self.expand(a, scope)?, scaled(self.expand(b, scope)?, -1.0)].concat(),
            ScalarKind::Binary(BinaryFn::Mul, ..) => self.multiplication(scalar, scope)?,
            ScalarKind::Binary(BinaryFn::Div, a, b) => match &b.kind {
                ScalarKind::Literal(literal) if number(*literal).is_some_and(|n| n != 0.0) => {
                    scaled(self.expand(a, scope)?, number(*literal).unwrap_or(1.0).recip())
                }
                _ if self.is_public(b) => {
                    let one = Scalar::literal(Literal::Float(1.0), b.dtype, b.span);
                    let reciprocal = Scalar::binary(BinaryFn::Div, one, Scalar::clone(b), b.dtype, b.span);
                    let (a, b) = (self.expand(a, scope)?, self.in_the_clear(&reciprocal, scope)?);
                    multiplied(scalar, &a, &b)?
                }
                _ => self.function(scalar, scope)?,
            },
            ScalarKind::If(condition, yes, no) if self.is_public(condition) => self.chosen([condition, yes, no], scope)?,
            ScalarKind::If(condition, ..) => {
                return Err(Self::secret_condition(condition));
            }
            ScalarKind::Unary(..) | ScalarKind::Binary(..) => self.function(scalar, scope)?,
            ScalarKind::Approx(approx) => self.approximation(approx, scalar, scope)?,
            ScalarKind::Cast(value) if value.dtype.is_integer() && is_number(scalar.dtype) => {
                let message = format!("a computed {} may have wrapped before it becomes {}", value.dtype, scalar.dtype);
                let help = "declare ranges (`in lo..hi`) in which it does not, or convert the inputs";
                // Circuits are of integers.
                let tfhe = if scalar.dtype.is_integer() { "; `--target tfhe` takes it, and wraps" } else { "" };
                let found = Diagnostic::error(716, "he-dtype", message).at(scalar.span, "ciphertexts do not wrap here");
                return Err(found.help(format!("{help}{tfhe}")));
            }
            ScalarKind::Cast(value) if !self.is_public(value) && !value.dtype.is_complex() => {
                return Err(Self::rounded(value, scalar));
            }
            ScalarKind::Index(_) | ScalarKind::Size(_) | ScalarKind::Cast(_) | ScalarKind::Operand(_) | ScalarKind::Accumulated => {
                return Err(refused(scalar.span, "this value beside a secret one"));
            }
        };
        if products.len() > MAX_TERMS {
            return Err(too_long(scalar.span, &format!("an expression of more than {MAX_TERMS} products")));
        }
        products.iter().try_for_each(|product| check_coefficient(product.coefficient, scalar.dtype, scalar.span))?;
        Ok(products)
    }
}

/// Whether a type holds every number of another; floats count as real numbers.
pub(crate) fn holds(to: DType, from: DType) -> bool {
    let integers = || from.is_integer() && to.is_integer() && widest(to) >= widest(from) && (is_signed(to) || !is_signed(from));
    is_number(from) && is_number(to) && (to.is_float() || integers())
}

/// Whether an integer of one type is that of another up to multiples of its range, wrapped or not.
fn is_same_modulo(to: DType, from: DType) -> bool {
    to.is_integer() && from.is_integer() && to.bits() <= from.bits()
}

/// Bits of magnitude.
fn widest(dtype: DType) -> u32 {
    dtype.bits() - u32::from(is_signed(dtype))
}

pub(crate) fn is_signed(dtype: DType) -> bool {
    dtype.class() == Class::Signed
}

/// Numbers of programs are f64 here: an integer from 2^53 on may be none of them, nor is an infinity.
fn check_coefficient(coefficient: f64, dtype: DType, span: Span) -> Result<(), Diagnostic> {
    let exact = !dtype.is_integer() || coefficient.abs() < 9_007_199_254_740_992.0;
    if coefficient.is_finite() && exact { Ok(()) } else { Err(refused(span, "a constant of this size")) }
}

pub(crate) fn scaled(mut products: Vec<Product>, factor: f64) -> Vec<Product> {
    products.iter_mut().for_each(|product| product.coefficient *= factor);
    products
}

pub(crate) fn multiplied(scalar: &Scalar, a: &[Product], b: &[Product]) -> Result<Vec<Product>, Diagnostic> {
    if a.len() * b.len() > MAX_TERMS {
        return Err(too_long(scalar.span, &format!("an expression of more than {MAX_TERMS} products")));
    }
    let longest = |products: &[Product]| products.iter().map(|product| product.factors.len()).max().unwrap_or(0);
    if longest(a) + longest(b) > MAX_OPERANDS {
        return Err(too_long(scalar.span, &format!("a product of more than {MAX_OPERANDS} factors")));
    }
    let product = |a: &Product, b: &Product| Product {
        coefficient: a.coefficient * b.coefficient,
        factors: [&a.factors[..], &b.factors[..]].concat(),
    };
    Ok(a.iter().flat_map(|a| b.iter().map(move |b| product(a, b))).collect())
}

pub(crate) fn number(literal: Literal) -> Option<f64> {
    match literal {
        Literal::Bool(value) => Some(f64::from(u8::from(value))),
        #[expect(clippy::cast_precision_loss, reason = "constants beyond 2^53 are beyond what slots hold")]
        Literal::Int(value) => Some(value as f64),
        Literal::Float(value) => Some(value),
        Literal::Complex(..) => None,
    }
}

pub(crate) const fn is_number(dtype: DType) -> bool {
    !matches!(dtype, DType::Bool) && !dtype.is_complex()
}

pub(crate) fn refused(span: Span, what: &str) -> Diagnostic {
    Diagnostic::error(190, "not-in-this-version", format!("{what} is not in this version of packed programs")).at(span, "here")
}

/// An expression that is too long once it is multiplied out.
fn too_long(span: Span, what: &str) -> Diagnostic {
    refused(span, what).help("compute a part of it in an equation of its own, `t[i] = …;`, and read `t[i]` here")
}

pub(crate) fn semiring(span: Span, name: &str, dtype: DType) -> Diagnostic {
    let found =
        Diagnostic::error(714, "he-semiring", format!("packed ciphertexts add and multiply; they have no `{name}`")).at(span, OF_SECRETS);
    let whole = dtype.is_integer() || dtype == DType::Bool;
    let help = if whole {
        "`--target tfhe` takes it, of integers and truth values"
    } else {
        "make what it takes a result, and compute this in the clear once that is decrypted"
    };
    found.help(help)
}

/// The type of what an expression of truth values compares: reals if it reads any.
pub(crate) fn of_what(scalar: &Scalar) -> DType {
    let mut dtype = scalar.dtype;
    scalar.visit(&mut |node| {
        if dtype == DType::Bool && node.dtype.is_float() {
            dtype = node.dtype;
        }
    });
    dtype
}

/// A quotient by a secret whose range holds 0.
pub(crate) fn division(divisor: &Scalar, (lo, hi): (f64, f64)) -> Diagnostic {
    let [from, to] = [lo, hi].map(in_few_digits);
    Diagnostic::error(713, "he-div", format!("a divisor is secret and may be 0: it lies in {from}..{to}"))
        .at(divisor.span, format!("from {from} to {to}"))
        .help(if lo == 0.0 && hi > 0.0 {
            "declare ranges that keep it from 0, add a public number to it, or guard its terms by indices (`j <= i`) or data with a range \
             (`n: i32 in 1..4`), and leave out by an `if` on indices where they admit none"
        } else {
            "declare ranges that keep it from 0, or add a public number to it"
        })
}

/// For people.
pub(crate) fn in_few_digits(number: f64) -> String {
    // Zero has no sign.
    let rounded = format!("{number:.5e}").parse().unwrap_or(number) + 0.0;
    if rounded == 0.0 || (1e-5..1e9).contains(&rounded.abs()) { rounded.to_string() } else { format!("{rounded:e}") }
}
