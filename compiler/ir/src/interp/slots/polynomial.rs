//! Formal numbers: polynomials over the elements of the operands.

use super::Number;
use super::dyadic::Dyadic;
use crate::entity::{Input, Public};
use std::fmt;
use std::sync::Arc;

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

/// A sum of products of variables with exact coefficients.
#[derive(Clone, Debug, Default)]
pub struct Polynomial {
    /// Each with its variables in order, ascending; no coefficient is 0.
    terms: Vec<(Arc<[Variable]>, Dyadic)>,
}

impl Polynomial {
    /// A single variable.
    #[must_use]
    pub fn variable(variable: Variable) -> Self {
        Self { terms: vec![(Arc::from([variable]), Dyadic::ONE)] }
    }

    fn number(value: Dyadic) -> Self {
        Self { terms: if value.is_zero() { Vec::new() } else { vec![(Arc::from([]), value)] } }
    }

    /// Puts terms in order and equal ones together.
    fn collect(mut terms: Vec<(Arc<[Variable]>, Dyadic)>) -> Self {
        terms.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut sum: Vec<(Arc<[Variable]>, Dyadic)> = Vec::with_capacity(terms.len());
        for (monomial, coefficient) in terms {
            match sum.last_mut() {
                Some(last) if last.0 == monomial => last.1 = last.1.plus(coefficient),
                _ => sum.push((monomial, coefficient)),
            }
        }
        sum.retain(|(_, coefficient)| !coefficient.is_zero());
        Self { terms: sum }
    }

    /// Adds another, with its coefficients changed by `sign`: a merge of two lists in order.
    fn merge(&mut self, other: &Self, sign: impl Fn(Dyadic) -> Dyadic) {
        if other.terms.is_empty() {
            return;
        }
        let mut merged = Vec::with_capacity(self.terms.len() + other.terms.len());
        let mut mine = std::mem::take(&mut self.terms).into_iter().peekable();
        for (monomial, coefficient) in &other.terms {
            let coefficient = sign(*coefficient);
            while let Some(term) = mine.next_if(|term| term.0 < *monomial) {
                merged.push(term);
            }
            let sum = mine.next_if(|term| term.0 == *monomial).map_or(coefficient, |term| term.1.plus(coefficient));
            if !sum.is_zero() {
                merged.push((monomial.clone(), sum));
            }
        }
        merged.extend(mine);
        self.terms = merged;
    }
}

/// Equal for all values of the variables.
impl PartialEq for Polynomial {
    fn eq(&self, other: &Self) -> bool {
        self.terms == other.terms
    }
}

impl Number for Polynomial {
    const EXACT: bool = true;

    fn zero() -> Self {
        Self::default()
    }

    fn one() -> Self {
        Self::number(Dyadic::ONE)
    }

    fn constant(value: f64) -> Option<Self> {
        Dyadic::of(value).map(Self::number)
    }

    fn junk(_: u64, n: u64) -> Self {
        Self::variable(Variable::Junk(n))
    }

    fn add(&mut self, other: &Self) {
        self.merge(other, |coefficient| coefficient);
    }

    fn sub(&mut self, other: &Self) {
        self.merge(other, Dyadic::negative);
    }

    fn neg(&mut self) {
        self.terms.iter_mut().for_each(|(_, coefficient)| *coefficient = coefficient.negative());
    }

    fn mul(&self, other: &Self) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() * other.terms.len());
        for (a, x) in &self.terms {
            for (b, y) in &other.terms {
                let mut monomial: Vec<Variable> = a.iter().chain(b.iter()).copied().collect();
                monomial.sort_unstable();
                terms.push((Arc::from(monomial), x.times(*y)));
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

/// `2*x0[3]*w0[1] - x1[0]`; a coefficient whose digits do not fit is `?`.
impl fmt::Display for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        for (n, (monomial, coefficient)) in self.terms.iter().enumerate() {
            let value = coefficient.to_f64();
            f.write_str(match (n, value.is_some_and(|value| value < 0.0)) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            })?;
            let mut factors: Vec<String> = monomial.iter().map(ToString::to_string).collect();
            match value.map(f64::abs) {
                Some(1.0) if !factors.is_empty() => {}
                Some(magnitude) => factors.insert(0, magnitude.to_string()),
                None => factors.insert(0, "?".to_owned()),
            }
            f.write_str(&factors.join("*"))?;
        }
        Ok(())
    }
}
