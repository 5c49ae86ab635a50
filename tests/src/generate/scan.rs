//! Scans: a state, updated from its previous values, and a tensor with one slice a step.
//!
//! States forget: what a float was some steps before counts for less and less, so that two correct evaluations stay close.

use super::{Idx, Var, Writer};
use ein::DType;

/// Elements of a state times steps that the interpreters can visit in no time.
const WORK: usize = 1500;

/// A state under construction.
struct State {
    var: Var,
    left: Vec<Idx>,
}

impl Writer {
    /// A scan with its two tensors; nothing if no dim is short enough.
    pub(super) fn scan(&mut self) -> Option<()> {
        self.n_indices = 0;
        let dtype = self.random.pick(&[DType::F64, DType::F32, DType::F64, DType::I64, DType::I32]);
        let mut axes = Vec::new();
        for _ in 0..self.random.below(3) {
            axes.push(self.random.below(self.dims.len()));
        }
        let steps = self.random.below(self.dims.len());
        if self.volume(&axes).max(1) * self.dims[steps].extent > WORK {
            return None;
        }
        let left: Vec<Idx> = axes.iter().map(|dim| self.fresh_index(*dim)).collect();
        let t = self.fresh_index(steps);
        let name = format!("t{}", self.equations.len());
        let mut state = State { var: Var { name, dtype, axes, input: false, magnitude: 1.0 }, left };
        let update = self.update(&mut state, &t);
        let (stacked, slices) = self.slices(&state, &t);
        let reverse = if self.random.one_in(3) { "reverse " } else { "" };
        let range =
            if self.random.one_in(2) { format!(": {}", self.dims[steps].name) } else { format!(" in 0..{}", self.dims[steps].name) };
        let text = format!("scan {reverse}{}{range} {{\n    {update};\n    {stacked};\n  }}", t.name);
        self.vars.extend([state.var.clone(), slices.clone()]);
        self.equations.push((text, state.var));
        self.equations.push((String::new(), slices));
        Some(())
    }

    /// `h[i: N]: f64 = 0.5 * prev h[i] + … from …`
    fn update(&mut self, state: &mut State, t: &Idx) -> String {
        let env: Vec<Idx> = state.left.iter().chain([t]).cloned().collect();
        let (term, added) = self.scalar(state.var.dtype, &env, 2);
        let (first, start) = self.scalar(state.var.dtype, &state.left, 1);
        state.var.magnitude = 2.0 * added + start;
        let previous = self.previous(state);
        let State { var, left } = state;
        let value = if var.dtype.is_float() { format!("0.5 * ({previous}) + ({term})") } else { format!("({previous}) + ({term})") };
        let items: Vec<String> = left.iter().map(|i| format!("{}: {}", i.name, self.dims[i.dim].name)).collect();
        format!("{}{}: {} = {value} from {first}", var.name, brackets(&items), var.dtype)
    }

    /// Previous values: of the element itself, of its neighbours, or of a whole axis.
    fn previous(&mut self, state: &State) -> String {
        let names: Vec<String> = state.left.iter().map(|i| i.name.clone()).collect();
        let own = format!("prev {}{}", state.var.name, brackets(&names));
        if names.is_empty() || self.random.one_in(2) {
            return own;
        }
        let axis = self.random.below(names.len());
        let mut subs = names.clone();
        if self.dims[state.left[axis].dim].extent == 0 || self.random.one_in(2) {
            let r = self.fresh_index(state.left[axis].dim);
            subs[axis].clone_from(&r.name);
            return format!("max({own}, max[{}](prev {}{}))", r.name, state.var.name, brackets(&subs));
        }
        let mode = self.random.pick(&["wrap", "clamp", "pad"]);
        subs[axis] = format!("{mode}({} + 1)", names[axis]);
        format!("prev {}{}", state.var.name, brackets(&subs))
    }

    /// `y[t, i] = h[i]`, the scan index anywhere.
    fn slices(&mut self, state: &State, t: &Idx) -> (String, Var) {
        let State { var, left } = state;
        let mut order: Vec<Idx> = left.iter().chain([t]).cloned().collect();
        self.random.shuffle(&mut order);
        let name = format!("t{}", self.equations.len() + 1);
        let names = |list: &[Idx]| brackets(&list.iter().map(|i| i.name.clone()).collect::<Vec<_>>());
        let text = format!("{name}{} = {}{}", names(&order), var.name, names(left));
        (text, Var { name, axes: order.iter().map(|i| i.dim).collect(), ..var.clone() })
    }
}

fn brackets(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) }
}
