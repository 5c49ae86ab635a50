//! Formal numbers: polynomials over the elements of the operands.

use super::Number;
use crate::entity::{Input, Public};
use std::fmt;
use std::sync::Arc;

/// A coefficient that is too large to be counted; it stays, whatever is done to it, and equals nothing.
const TOO_LARGE: i64 = i64::MAX;

/// What a polynomial is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// An element of a secret operand, by its row-major place.
    Secret(Input, u64),
    /// An element of a given tensor in the clear.
    Public(Public, u64),
    /// What an address holds that the layout of its operand says nothing of.
    Junk(u64),
}

/// A sum of products of variables with whole coefficients.
#[derive(Clone, Debug, Default)]
pub struct Polynomial {
    /// Each with its variables in order, ascending; no coefficient is 0.
    terms: Vec<(Arc<[Variable]>, i64)>,
}

impl Polynomial {
    /// A single variable.
    #[must_use]
    pub fn variable(variable: Variable) -> Self {
        Self { terms: vec![(Arc::from([variable]), 1)] }
    }

    fn whole(value: i64) -> Self {
        Self { terms: if value == 0 { Vec::new() } else { vec![(Arc::from([]), value)] } }
    }

    /// Puts terms in order and equal ones together.
    fn collect(mut terms: Vec<(Arc<[Variable]>, i64)>) -> Self {
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut sum: Vec<(Arc<[Variable]>, i64)> = Vec::with_capacity(terms.len());
        for (monomial, coefficient) in terms {
            match sum.last_mut() {
                Some(last) if last.0 == monomial => last.1 = plus(last.1, coefficient),
                _ => sum.push((monomial, coefficient)),
            }
        }
        sum.retain(|(_, coefficient)| *coefficient != 0);
        Self { terms: sum }
    }

    /// Adds `sign` times another: a merge of two lists in order.
    fn merge(&mut self, other: &Self, sign: i64) {
        if other.terms.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut mine = std::mem::take(&mut self.terms).into_iter().peekable();
        for (monomial, coefficient) in &other.terms {
            let coefficient = times(*coefficient, sign);
            while let Some(term) = mine.next_if(|term| term.0 < *monomial) {
                merged.push(term);
            }
            let sum = mine.next_if(|term| term.0 == *monomial).map_or(coefficient, |term| plus(term.1, coefficient));
            if sum != 0 {
                merged.push((monomial.clone(), sum));
            }
        }
        merged.extend(mine);
        self.terms = merged;
    }
}

fn plus(a: i64, b: i64) -> i64 {
    if a == TOO_LARGE || b == TOO_LARGE { TOO_LARGE } else { a.checked_add(b).unwrap_or(TOO_LARGE) }
}

fn times(a: i64, b: i64) -> i64 {
    if a == TOO_LARGE || b == TOO_LARGE { TOO_LARGE } else { a.checked_mul(b).unwrap_or(TOO_LARGE) }
}

/// Equal for all values of the variables; a coefficient that is too large equals nothing.
impl PartialEq for Polynomial {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms && self.terms.iter().all(|(_, coefficient)| *coefficient != TOO_LARGE)
    }
}

impl Number for Polynomial {
    const EXACT: bool = true;

    fn zero() -> Self {
        Self::default()
    }

    fn one() -> Self {
        Self::whole(1)
    }

    fn constant(value: f64) -> Option<Self> {
        i64::constant(value).map(Self::whole)
    }

    fn junk(_: u64, n: u64) -> Self {
        Self::variable(Variable::Junk(n))
    }

    fn add(&mut self, other: &Self) {
        self.merge(other, 1);
    }

    fn sub(&mut self, other: &Self) {
        self.merge(other, -1);
    }

    fn neg(&mut self) {
        self.terms.iter_mut().for_each(|(_, coefficient)| *coefficient = times(*coefficient, -1));
    }

    fn mul(&self, other: &Self) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() * other.terms.len());
        for (a, x) in &self.terms {
            for (b, y) in &other.terms {
                let mut monomial: Vec<Variable> = a.iter().chain(b.iter()).copied().collect();
                monomial.sort_unstable();
                terms.push((Arc::from(monomial), times(*x, *y)));
            }
        }
        Self::collect(terms)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(input, flat) => write!(f, "{input}[{flat}]"),
            Self::Public(public, flat) => write!(f, "{public}[{flat}]"),
            Self::Junk(address) => write!(f, "junk[{address}]"),
        }
    }
}

/// `2*x0[3]*w0[1] - x1[0]`; what is too large is `?`.
impl fmt::Display for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        for (n, (monomial, coefficient)) in self.terms.iter().enumerate() {
            f.write_str(match (n, *coefficient < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let mut factors: Vec<String> = monomial.iter().map(ToString::to_string).collect();
            match coefficient.unsigned_abs() {
                1 if !factors.is_empty() => {}
                _ if *coefficient == TOO_LARGE => factors.insert(0, "?".to_owned()),
                magnitude => factors.insert(0, magnitude.to_string()),
            }
            f.write_str(&factors.join("*"))?;
        }
        Ok(())
    }
}
