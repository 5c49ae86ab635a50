//! A reader of the MLIR of packed programs that knows nothing of how it is written: single assignment, types, and what each line computes.

use std::collections::BTreeMap;

/// A function over vectors of slots.
pub struct Function {
    /// Its arguments, in order, and whether each is secret.
    pub arguments: Vec<(String, bool)>,
    /// Slots of a vector.
    pub slots: usize,
    ty: String,
    body: Vec<(String, String)>,
    results: Vec<String>,
}

/// Names of vectors, with their slots.
pub type Vectors = BTreeMap<String, Vec<f64>>;

impl Function {
    /// Reads a text of one function.
    ///
    /// # Errors
    /// The first line that is no such thing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().filter(|line| !line.starts_with("//"));
        let head = lines.next().ok_or("no function")?;
        let (arguments, types) = head
            .strip_prefix("func.func @")
            .and_then(|rest| rest.split_once('('))
            .and_then(|(_, rest)| rest.strip_suffix(") {"))
            .and_then(|rest| rest.split_once(") -> ("))
            .ok_or(format!("no function: {head}"))?;
        let arguments = arguments.split(", ").filter(|one| !one.is_empty()).map(argument).collect::<Result<Vec<_>, _>>()?;
        let types: Vec<&str> = types.split(", ").filter(|one| !one.is_empty()).collect();
        let ty = arguments.first().map(|(.., ty)| ty.clone()).ok_or("no argument")?;
        if let Some(other) = arguments.iter().map(|(.., ty)| ty.as_str()).chain(types.iter().copied()).find(|other| *other != ty) {
            return Err(format!("{other} beside {ty}"));
        }
        let slots = ty.strip_prefix("tensor<1x").and_then(|rest| rest.split('x').next()).and_then(|n| n.parse().ok());
        let slots = slots.ok_or(format!("no vector: {ty}"))?;
        let arguments = arguments.into_iter().map(|(name, secret, _)| (name, secret)).collect();
        let mut function = Self { arguments, slots, ty, body: Vec::new(), results: Vec::new() };
        for line in lines {
            function.line(line.trim(), types.len())?;
        }
        Ok(function)
    }

    fn line(&mut self, line: &str, n_results: usize) -> Result<(), String> {
        if line == "}" || line == "return" {
            return Ok(());
        }
        if let Some(values) = line.strip_prefix("return ") {
            let (values, types) = values.split_once(" : ").ok_or(line)?;
            self.results = values.split(", ").map(ToOwned::to_owned).collect();
            let all = types.split(", ").all(|ty| ty == self.ty) && types.split(", ").count() == n_results;
            return if all && self.results.len() == n_results { Ok(()) } else { Err(format!("other types: {line}")) };
        }
        let (name, text) = line.split_once(" = ").ok_or(format!("no assignment: {line}"))?;
        let twice = self.body.iter().any(|(other, _)| other == name) || self.arguments.iter().any(|(other, _)| other == name);
        if twice || !name.starts_with('%') {
            return Err(format!("assigned twice, or no name: {line}"));
        }
        self.body.push((name.to_owned(), text.to_owned()));
        Ok(())
    }

    /// Carries it out.
    ///
    /// # Errors
    /// A value that is not there yet, an operation that is unknown, operands of other types, a secret that is rotated by.
    pub fn run(&self, arguments: Vectors) -> Result<Vec<Vec<f64>>, String> {
        let mut values = arguments;
        let mut shifts = BTreeMap::new();
        for (name, text) in &self.body {
            if let Some(number) = text.strip_prefix("arith.constant ").and_then(|rest| rest.strip_suffix(" : index")) {
                shifts.insert(name.clone(), number.parse::<usize>().map_err(|e| e.to_string())?);
            } else {
                let value = self.value(text, &values, &shifts).map_err(|e| format!("{name} = {text}: {e}"))?;
                values.insert(name.clone(), value);
            }
        }
        self.results.iter().map(|name| values.get(name).cloned().ok_or(format!("no {name}"))).collect()
    }

    fn value(&self, text: &str, values: &Vectors, shifts: &BTreeMap<String, usize>) -> Result<Vec<f64>, String> {
        let get = |name: &str| values.get(name).ok_or(format!("no {name} yet"));
        if let Some(rest) = text.strip_prefix("tensor_ext.rotate ") {
            let operands = rest.strip_suffix(&format!(" : {}, index", self.ty)).and_then(|rest| rest.split_once(", ")).ok_or("operands")?;
            let mut rotated = get(operands.0)?.clone();
            rotated.rotate_left(*shifts.get(operands.1).ok_or("no shift")?);
            return Ok(rotated);
        }
        let (operation, operands) = text.strip_suffix(&format!(" : {}", self.ty)).and_then(|rest| rest.split_once(' ')).ok_or("type")?;
        let whole = self.ty.ends_with("i64>");
        let operation = operation.strip_prefix("arith.").ok_or("dialect")?;
        if operation == "constant" {
            return self.constant(operands);
        }
        let stem = operation.strip_suffix(if whole { 'i' } else { 'f' }).ok_or("another type")?;
        let operands = operands.split(", ").map(get).collect::<Result<Vec<_>, _>>()?;
        let f: fn(f64, f64) -> f64 = match (stem, operands.len()) {
            ("add", 2) => |a, b| a + b,
            ("sub", 2) => |a, b| a - b,
            ("mul", 2) => |a, b| a * b,
            ("neg", 1) if !whole => |a, _| -a,
            _ => return Err("no such operation".to_owned()),
        };
        Ok(operands[0].iter().zip(operands[operands.len() - 1]).map(|(a, b)| f(*a, *b)).collect())
    }

    fn constant(&self, text: &str) -> Result<Vec<f64>, String> {
        let inside = text.strip_prefix("dense<").and_then(|rest| rest.strip_suffix('>')).ok_or("no elements")?;
        let number = |text: &str| {
            let pointed = text.contains('.') != self.ty.ends_with("i64>");
            text.parse::<f64>().ok().filter(|_| pointed).ok_or(format!("no number: {text}"))
        };
        let Some(row) = inside.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) else {
            return Ok(vec![number(inside)?; self.slots]);
        };
        let numbers = row.split(", ").map(number).collect::<Result<Vec<_>, _>>()?;
        if numbers.len() == self.slots { Ok(numbers) } else { Err(format!("{} numbers", numbers.len())) }
    }
}

/// `%x: tensor<1x8xf64> {secret.secret}`: its name, whether it is secret, and its type.
fn argument(text: &str) -> Result<(String, bool, String), String> {
    let (name, ty) = text.split_once(": ").ok_or(format!("no argument: {text}"))?;
    let secret = ty.strip_suffix(" {secret.secret}");
    Ok((name.to_owned(), secret.is_some(), secret.unwrap_or(ty).to_owned()))
}
