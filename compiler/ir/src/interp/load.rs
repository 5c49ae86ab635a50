//! Scalar expressions, for any arithmetic: laziness, subscripts and their modes.

use super::engine::{Arithmetic, Engine};
use super::fault::{self, RunFault};
use crate::entity::EntityRef;
use crate::extent::{Atom, Extent};
use crate::scalar::eval::ScalarFault;
use crate::scalar::function::BinaryFn;
use crate::scalar::value::Value;
use crate::scalar::{Access, Literal, Mode, Scalar, ScalarKind, Sub};
use crate::span::Span;

/// Where a subscript leads.
enum Place {
    Inside(usize),
    Padded,
    EmptyAxis,
}

impl<A: Arithmetic> Engine<'_, A> {
    /// The value of an expression at the current values of the indices.
    pub(super) fn eval(&self, scalar: &Scalar) -> Result<A::V, RunFault> {
        match &scalar.kind {
            ScalarKind::Literal(literal) => Ok(A::lift(Value::from_literal(*literal, scalar.dtype))),
            ScalarKind::Index(index) => Ok(A::lift(Value::index(self.env[index.index()]))),
            ScalarKind::Size(extent) => self.size(extent, scalar.span),
            ScalarKind::Access(access) => self.access(access, scalar),
            ScalarKind::Unary(function, x) => Ok(A::unary(*function, self.eval(x)?, scalar.dtype)),
            ScalarKind::Binary(BinaryFn::And, a, b) => self.short_circuit(false, a, b),
            ScalarKind::Binary(BinaryFn::Or, a, b) => self.short_circuit(true, a, b),
            ScalarKind::Binary(function, a, b) => {
                A::binary(*function, self.eval(a)?, self.eval(b)?).map_err(|f| scalar_fault(f, scalar.span))
            }
            ScalarKind::Cast(x) => Ok(A::cast(self.eval(x)?, scalar.dtype)),
            ScalarKind::If(condition, then, otherwise) => {
                let (holds, doubtful) = self.truth(condition)?;
                let value = self.eval(if holds { then } else { otherwise })?;
                Ok(if doubtful { A::doubt(value) } else { value })
            }
            ScalarKind::Approx(_) => Err(RunFault::internal("an approximation that is not made exact", scalar.span)),
            ScalarKind::Operand(n) => match (&self.operands, n) {
                (Some(operands), 0 | 1) => Ok(operands[*n as usize]),
                _ => Err(RunFault::internal("an operand outside a reducer", scalar.span)),
            },
            ScalarKind::Accumulated => Err(RunFault::internal("a finished reduction outside a plan", scalar.span)),
        }
    }

    /// A condition, and whether it is doubtful.
    pub(super) fn truth(&self, condition: &Scalar) -> Result<(bool, bool), RunFault> {
        let value = self.eval(condition)?;
        match A::exact(&value) {
            Value::Bool(b) => Ok((b, A::is_doubtful(&value))),
            _ => Err(RunFault::internal("a condition that is not a bool", condition.span)),
        }
    }

    /// `and` (decided by false) and `or` (decided by true).
    fn short_circuit(&self, decides: bool, a: &Scalar, b: &Scalar) -> Result<A::V, RunFault> {
        let left = self.eval(a)?;
        if A::exact(&left) == Value::Bool(decides) {
            return Ok(left);
        }
        let right = self.eval(b)?;
        Ok(if A::is_doubtful(&left) { A::doubt(right) } else { right })
    }

    fn size(&self, extent: &Extent, span: Span) -> Result<A::V, RunFault> {
        let value = extent.evaluate(&|atom| match atom {
            Atom::Index(index) => self.env.get(index.index()).map(|n| i128::from(*n)),
            _ => None,
        });
        let value = value.and_then(|n| i64::try_from(n).ok()).ok_or_else(|| RunFault::internal("a size that is not literal", span))?;
        Ok(A::lift(Value::index(value)))
    }

    fn access(&self, access: &Access, scalar: &Scalar) -> Result<A::V, RunFault> {
        let slot = access.tensor.index();
        let store = if access.prev { &self.previous[slot] } else { &self.stores[slot] };
        let name = &self.module.tensors[access.tensor].name;
        let store = store.as_ref().ok_or_else(|| RunFault::internal(format!("`{name}` is read before it is defined"), scalar.span))?;
        let (mut position, mut padded, mut empty, mut doubtful) = (0, false, false, false);
        for (sub, size) in access.subs.iter().zip(&store.shape) {
            let at = self.eval(&sub.value)?;
            doubtful |= A::is_doubtful(&at);
            match place(sub, A::exact(&at), *size, name)? {
                Place::Inside(n) => position = position * size + n,
                Place::Padded => padded = true,
                Place::EmptyAxis => empty = true,
            }
        }
        let value = if padded {
            A::lift(Value::from_literal(access.pad.unwrap_or(Literal::Int(0)), scalar.dtype))
        } else if empty {
            return Err(RunFault::new(
                fault::EMPTY_AXIS,
                format!("`{name}` has an axis of size 0, which has no nearest position"),
                scalar.span,
            ));
        } else {
            store.values[position].ok_or_else(|| self.unspecified(access, scalar.span))?
        };
        Ok(if doubtful { A::doubt(value) } else { value })
    }

    fn unspecified(&self, access: &Access, span: Span) -> RunFault {
        let name = &self.module.tensors[access.tensor].name;
        if self.stateless.contains(&access.tensor) {
            let message = format!("`{name}` has no value: its scan has no step, and it has no `from`");
            return RunFault::new(fault::NO_STATE, message, span);
        }
        RunFault::internal(format!("`{name}` is read outside its domain"), span)
    }
}

pub(super) fn scalar_fault(fault: ScalarFault, span: Span) -> RunFault {
    match fault {
        ScalarFault::DivisionByZero => RunFault::new(fault::DIVISION_BY_ZERO, "division by zero", span),
    }
}

fn place(sub: &Sub, at: Value, size: usize, name: &str) -> Result<Place, RunFault> {
    let at = at.as_int().ok_or_else(|| RunFault::internal("a subscript that is not an integer", sub.value.span))?;
    let n = size as i128;
    if (0..n).contains(&at) {
        return Ok(Place::Inside(at as usize));
    }
    let inside = match sub.mode {
        Mode::Pad => return Ok(Place::Padded),
        Mode::Exact => {
            let message = format!("subscript {at} of `{name}` is outside an axis of size {size}");
            return Err(RunFault::internal(message, sub.value.span));
        }
        _ if n == 0 => return Ok(Place::EmptyAxis),
        Mode::Clamp => at.clamp(0, n - 1),
        Mode::Wrap => at.rem_euclid(n),
        Mode::Reflect if n == 1 => 0,
        Mode::Reflect => {
            let period = 2 * (n - 1);
            let folded = at.rem_euclid(period);
            folded.min(period - folded)
        }
    };
    Ok(Place::Inside(inside as usize))
}
