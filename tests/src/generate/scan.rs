//! Scans: states, updated from their previous values, and tensors with one slice a step.
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

/// A block: its lines, and what it defines for the equations after it, in the order of their names.
struct Block {
    lines: Vec<String>,
    defined: Vec<Var>,
}

impl Writer {
    /// A scan with the tensors that it defines; nothing if no dim is short enough.
    pub(super) fn scan(&mut self) -> Option<()> {
        self.n_indices = 0;
        let steps = self.random.below(self.dims.len());
        let mut state = self.state()?;
        if self.volume(&state.var.axes).max(1) * self.dims[steps].extent > WORK {
            return None;
        }
        let t = self.fresh_index(steps);
        let mut block = match self.random.below(7) {
            0 => self.inner_scan(&mut state, &t),
            1 | 2 => self.two_states(&mut state, &t),
            3 if state.var.dtype.is_integer() && !state.left.is_empty() => self.sorted_state(&mut state, &t),
            _ => Block { lines: vec![self.update(&mut state, &t)], defined: vec![state.var.clone()] },
        };
        let has_slices = self.random.below(3) > 0;
        if has_slices {
            let (line, slices) = self.slices(&state, &t, self.equations.len() + block.defined.len());
            block.lines.push(line);
            block.defined.push(slices);
        }
        let reverse = if self.random.one_in(3) { "reverse " } else { "" };
        let size = self.dims[steps].name.clone();
        let range = match self.random.below(if has_slices { 2 } else { 4 }) {
            0 => format!(": {size}"),
            1 => format!(" in 0..{size}"),
            2 => format!(" in 1..{size}"),
            _ => format!(" in 1..{size} - 1"),
        };
        let text = format!("scan {reverse}{}{range} {{\n    {}\n  }}", t.name, block.lines.join("\n    "));
        for (n, var) in block.defined.into_iter().enumerate() {
            self.vars.push(var.clone());
            self.equations.push((if n == 0 { text.clone() } else { String::new() }, var));
        }
        Some(())
    }

    fn state(&mut self) -> Option<State> {
        let dtype = self.random.pick(&[DType::F64, DType::F32, DType::F64, DType::I64, DType::I32]);
        let mut axes = Vec::new();
        for _ in 0..self.random.below(3) {
            axes.push(self.random.below(self.dims.len()));
        }
        if self.volume(&axes) > WORK {
            return None;
        }
        let left = axes.iter().map(|dim| self.fresh_index(*dim)).collect();
        Some(State { var: Var { name: format!("t{}", self.equations.len()), dtype, axes, input: false, magnitude: 1.0 }, left })
    }

    /// `h[i: N]: f64 = 0.5 * prev h[i] + … from …;`
    fn update(&mut self, state: &mut State, t: &Idx) -> String {
        let env: Vec<Idx> = state.left.iter().chain([t]).cloned().collect();
        let (term, added) = self.scalar(state.var.dtype, &env, 2);
        let (first, start) = self.scalar(state.var.dtype, &state.left, 1);
        state.var.magnitude = 2.0 * added + start;
        let previous = self.previous(state);
        let half = if state.var.dtype.is_float() { "0.5 * " } else { "" };
        format!("{} = {half}({previous}) + ({term}) from {first};", self.left_side(state))
    }

    /// `h[i: N]: f64`
    fn left_side(&self, State { var, left }: &State) -> String {
        let items: Vec<String> = left.iter().map(|i| format!("{}: {}", i.name, self.dims[i.dim].name)).collect();
        format!("{}{}: {}", var.name, brackets(&items), var.dtype)
    }

    /// Two states of one type, of which each may read the other: its value of this step where it stands above, or of the one before.
    fn two_states(&mut self, state: &mut State, t: &Idx) -> Block {
        let first = self.update(state, t);
        let name = format!("t{}", self.equations.len() + 1);
        let other = State { var: Var { name, ..state.var.clone() }, left: state.left.clone() };
        let own = self.element(&other);
        let (start, magnitude) = self.scalar(other.var.dtype, &other.left, 1);
        let read = format!("{}{}", self.random.pick(&["", "prev "]), self.element(state));
        let (half, quarter) = if other.var.dtype.is_float() { ("0.5 * ", "0.25 * ") } else { ("", "") };
        let second = format!("{} = {half}prev {own} - {quarter}{read} from {start};", self.left_side(&other));
        let var = Var { magnitude: state.var.magnitude + magnitude, ..other.var };
        let mut lines = vec![first, second];
        if read.starts_with("prev ") && self.random.one_in(2) {
            lines.reverse();
        }
        Block { lines, defined: vec![state.var.clone(), var] }
    }

    /// A scan in each step, which begins anew; what it ends with goes into the state.
    fn inner_scan(&mut self, state: &mut State, t: &Idx) -> Block {
        let inner = self.fresh_index(t.dim);
        let short = self.volume(&state.var.axes).max(1) * self.dims[t.dim].extent.pow(2) <= WORK;
        if !short {
            return Block { lines: vec![self.update(state, t)], defined: vec![state.var.clone()] };
        }
        let mut within = State { var: Var { name: format!("u{}", self.equations.len()), ..state.var.clone() }, left: state.left.clone() };
        let update = self.update(&mut within, &inner);
        let (start, magnitude) = self.scalar(state.var.dtype, &state.left, 1);
        state.var.magnitude = 2.0 * within.var.magnitude + magnitude;
        let (own, read) = (self.element(state), self.element(&within));
        let half = if state.var.dtype.is_float() { "0.5 * " } else { "" };
        let lines = vec![
            format!("scan {}: {} {{", inner.name, self.dims[inner.dim].name),
            format!("  {update}"),
            "}".to_owned(),
            format!("{} = {half}prev {own} + {read} from {start};", self.left_side(state)),
        ];
        Block { lines, defined: vec![state.var.clone()] }
    }

    /// `u[i] = prev h[i] + …; h = sort(u) from h0;`
    fn sorted_state(&mut self, state: &mut State, t: &Idx) -> Block {
        let start = Var { name: format!("t{}", self.equations.len()), ..state.var.clone() };
        let holes: Vec<String> = start.axes.iter().map(|dim| format!("_: {}", self.dims[*dim].name)).collect();
        self.equations.push((format!("{}{}: {} = {}", start.name, brackets(&holes), start.dtype, self.random.below(4)), start.clone()));
        self.vars.push(start.clone());
        state.var.name = format!("t{}", self.equations.len());
        let (name, own) = (format!("u{}", self.equations.len()), self.element(state));
        let env: Vec<Idx> = state.left.iter().chain([t]).cloned().collect();
        let (term, _) = self.scalar(state.var.dtype, &env, 2);
        let unsorted = State { var: Var { name: name.clone(), ..state.var.clone() }, left: state.left.clone() };
        let lines = vec![
            format!("{} = prev {own} + ({term});", self.left_side(&unsorted)),
            format!("{} = sort({name}) from {};", state.var.name, start.name),
        ];
        Block { lines, defined: vec![state.var.clone()] }
    }

    /// `h[i]`
    fn element(&self, State { var, left }: &State) -> String {
        format!("{}{}", var.name, brackets(&left.iter().map(|i| i.name.clone()).collect::<Vec<_>>()))
    }

    /// Previous values: of the element itself, of its neighbours, or of a whole axis.
    fn previous(&mut self, state: &State) -> String {
        let names: Vec<String> = state.left.iter().map(|i| i.name.clone()).collect();
        let own = format!("prev {}", self.element(state));
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

    /// `y[t, i] = h[i];`, the scan index anywhere.
    fn slices(&mut self, state: &State, t: &Idx, number: usize) -> (String, Var) {
        let State { var, left } = state;
        let mut order: Vec<Idx> = left.iter().chain([t]).cloned().collect();
        self.random.shuffle(&mut order);
        let name = format!("t{number}");
        let names = brackets(&order.iter().map(|i| i.name.clone()).collect::<Vec<_>>());
        let text = format!("{name}{names} = {};", self.element(state));
        (text, Var { name, axes: order.iter().map(|i| i.dim).collect(), ..var.clone() })
    }
}

fn brackets(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!("[{}]", items.join(", ")) }
}
