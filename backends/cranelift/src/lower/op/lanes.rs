//! Vectors lane by lane.

use super::super::{Lowering, clif_type};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use ein_ir::kernel::{ScalarType, Type};

impl Lowering<'_> {
    /// A scalar in every lane; itself, if `ty` is a scalar.
    pub(super) fn splat(&mut self, ty: Type, scalar: Value) -> Value {
        if ty.lanes == 1 {
            return scalar;
        }
        let vector = clif_type(ty);
        let scalar = if ty.scalar == ScalarType::Bool { self.mask_lane(vector.lane_type(), scalar) } else { scalar };
        self.builder.ins().splat(vector, scalar)
    }

    /// One lane; of a mask, as a bool.
    pub(super) fn extract(&mut self, scalar: ScalarType, vector: Value, lane: u8) -> Value {
        let value = self.builder.ins().extractlane(vector, lane);
        if scalar != ScalarType::Bool {
            return value;
        }
        let byte = self.builder.ins().ireduce(types::I8, value);
        self.builder.ins().ineg(byte)
    }

    /// A bool as a lane of a mask.
    fn mask_lane(&mut self, lane: types::Type, bool: Value) -> Value {
        let wide = self.builder.ins().uextend(lane, bool);
        self.builder.ins().ineg(wide)
    }

    /// Computes each lane by itself, for what has no vector instruction.
    pub(super) fn per_lane(&mut self, ty: Type, operands: &[Value], f: &mut dyn FnMut(&mut Self, &[Value]) -> Value) -> Value {
        let mut vector = None;
        for lane in 0..ty.lanes {
            let scalars: Vec<Value> = operands.iter().map(|&v| self.builder.ins().extractlane(v, lane)).collect();
            let value = f(self, &scalars);
            vector = Some(match vector {
                None => self.builder.ins().scalar_to_vector(clif_type(ty), value),
                Some(vector) => self.builder.ins().insertlane(vector, value, lane),
            });
        }
        vector.expect("a type has at least one lane")
    }
}
