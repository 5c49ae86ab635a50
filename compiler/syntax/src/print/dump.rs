//! A dump of the tree: one node a line, children indented, with places. It is the text of `ein emit --stage ast`.

use super::flat;
use crate::ast::{
    Argument, Axis, Bind, Binder, BinderKind, Const, ConstValue, Def, DimItem, DimSize, ElementType, Expr, ExprKind, Fit, FitRule, Hint,
    HintRelation, HintValue, IndexRange, Interval, Item, LeftSide, Number, NumberValue, Param, Program, Qualifier, Reducer, Statement,
    Subscript, Table, TableEntry, Tolerance, Type, WhereItem,
};
use ein_ir::span::Span;
use std::fmt::Write as _;

/// The tree of a program, with the place of every node.
#[must_use]
pub fn dump(program: &Program) -> String {
    let mut dumper = Dumper { out: String::new(), level: 0, spans: true };
    dumper.program(program);
    dumper.out
}

/// The tree of a program without places: two programs are equal up to places if and only if these texts are.
#[must_use]
pub fn dump_without_spans(program: &Program) -> String {
    let mut dumper = Dumper { out: String::new(), level: 0, spans: false };
    dumper.program(program);
    dumper.out
}

struct Dumper {
    out: String,
    level: usize,
    spans: bool,
}

impl Dumper {
    /// A line for a node, and its children below it.
    fn node(&mut self, label: &str, span: Span, children: impl FnOnce(&mut Self)) {
        self.out.extend(std::iter::repeat_n("  ", self.level));
        self.out.push_str(label);
        if self.spans {
            write!(self.out, " @{span}").expect("a String takes every write");
        }
        self.out.push('\n');
        self.level += 1;
        children(self);
        self.level -= 1;
    }

    fn leaf(&mut self, label: &str, span: Span) {
        self.node(label, span, |_| {});
    }

    fn program(&mut self, program: &Program) {
        self.node("program", program.span, |d| {
            if let Some(version) = &program.version {
                d.leaf(&format!("version {}", version.number.value), version.span);
            }
            for item in &program.items {
                d.item(item);
            }
        });
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Def(def) => self.def(def),
            Item::Const(constant) => self.constant(constant),
            Item::Reducer(reducer) => self.reducer(reducer),
            Item::Hint(hint) => self.hint(hint),
            Item::Dim(dim) => self.node("dims", dim.span, |d| dim.items.iter().for_each(|item| d.dim(item))),
            // These have no expressions: their text says everything.
            Item::Import(_) | Item::Derive(_) | Item::Export(_) => {
                self.leaf(&flat(|printer| printer.item(item)), item.span());
            }
        }
    }

    fn dim(&mut self, item: &DimItem) {
        self.node(&format!("dim {}", item.name), item.span, |d| match &item.size {
            None => {}
            Some(DimSize::Exactly(size)) => d.expr(size),
            Some(DimSize::Within(interval)) => d.interval(interval),
        });
    }

    fn constant(&mut self, constant: &Const) {
        self.node(&format!("const {}", constant.name), constant.span, |d| {
            d.left_and_type(constant.left.as_ref(), constant.ty.as_ref());
            match &constant.value {
                ConstValue::Table(table) => d.table(table),
                ConstValue::Expr(expr) => d.expr(expr),
            }
        });
    }

    fn table(&mut self, table: &Table) {
        self.node("table", table.span, |d| {
            for entry in &table.entries {
                match entry {
                    TableEntry::Table(row) => d.table(row),
                    TableEntry::Expr(expr) => d.expr(expr),
                }
            }
        });
    }

    fn reducer(&mut self, reducer: &Reducer) {
        self.node(&format!("reducer {} {} {}", reducer.name, reducer.lhs, reducer.rhs), reducer.span, |d| {
            d.expr(&reducer.body);
            d.expr(&reducer.identity);
            for law in &reducer.laws {
                d.leaf(&format!("law {}", super::item::law_text(law)), law.span);
            }
        });
    }

    fn def(&mut self, def: &Def) {
        self.node(&format!("def {}", def.name), def.span, |d| {
            for generic in &def.generics {
                d.leaf(&format!("generic {}", flat(|printer| printer.generic(generic))), generic.span);
            }
            def.params.iter().for_each(|param| d.param("param", param));
            def.results.iter().for_each(|param| d.param("result", param));
            for item in &def.wheres {
                match item {
                    WhereItem::Define { name, value, span } => d.node(&format!("where {name}"), *span, |d| d.expr(value)),
                    WhereItem::Require(condition) => d.node("require", condition.span, |d| d.expr(condition)),
                }
            }
            def.body.iter().for_each(|statement| d.statement(statement));
        });
    }

    fn param(&mut self, label: &str, param: &Param) {
        self.node(&format!("{label} {}", param.name), param.span, |d| {
            d.ty(&param.ty);
            if let Some(bounds) = &param.bounds {
                d.interval(bounds);
            }
            d.tolerance(param.tolerance.as_ref());
        });
    }

    fn hint(&mut self, hint: &Hint) {
        self.node(&format!("hint {}", hint.name), hint.span, |d| {
            for item in &hint.items {
                let relation = if item.relation == HintRelation::AtMost { "<=" } else { "=" };
                d.node(&format!("{} {relation}", item.key), item.span, |d| match &item.value {
                    HintValue::Quantity(quantity) => {
                        d.leaf(&format!("quantity {} {}", quantity.count, quantity.unit.name()), quantity.span)
                    }
                    HintValue::Expr(expr) => d.expr(expr),
                });
            }
        });
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Bind(bind) => self.bind(bind),
            Statement::BindMany(bind) => {
                let names: Vec<_> = bind.names.iter().map(|name| name.as_str()).collect();
                self.node(&format!("bind ({})", names.join(", ")), bind.span, |d| d.expr(&bind.value));
            }
            Statement::Scan(scan) => {
                let label = if scan.reverse.is_some() { "scan reverse" } else { "scan" };
                self.node(label, scan.span, |d| {
                    d.binder(&scan.binder);
                    scan.body.iter().for_each(|statement| d.statement(statement));
                });
            }
            Statement::Fit(fit) => self.fit(fit),
        }
    }

    fn bind(&mut self, bind: &Bind) {
        self.node(&format!("bind {}", bind.name), bind.span, |d| {
            d.left_and_type(bind.left.as_ref(), bind.ty.as_ref());
            d.expr(&bind.value);
            if let Some(init) = &bind.init {
                d.node("from", init.span, |d| d.expr(init));
            }
            d.tolerance(bind.tolerance.as_ref());
        });
    }

    fn fit(&mut self, fit: &Fit) {
        self.node(&format!("fit {}", fit.target), fit.span, |d| {
            fit.factors.iter().for_each(|factor| d.param("factor", factor));
            d.left_and_type(Some(&fit.left), None);
            d.expr(&fit.network);
            if let Some(weight) = &fit.weight {
                d.node("weight", weight.span, |d| d.expr(weight));
            }
            for source in &fit.sources {
                d.node("from", source.span, |d| d.expr(source));
            }
            for rule in &fit.rules {
                match rule {
                    FitRule::By { rank, criterion, span } => d.node(&format!("by {rank}"), *span, |d| d.expr(criterion)),
                    FitRule::Argument(argument) => d.argument("rule", argument),
                }
            }
        });
    }

    fn left_and_type(&mut self, left: Option<&LeftSide>, ty: Option<&Type>) {
        if let Some(left) = left {
            self.node("left", left.span, |d| left.binders.iter().for_each(|binder| d.binder(binder)));
        }
        if let Some(ty) = ty {
            self.ty(ty);
        }
    }

    fn binder(&mut self, binder: &Binder) {
        match &binder.kind {
            BinderKind::Row(name) => self.leaf(&format!("row {name}"), binder.span),
            BinderKind::Index { name, range } => self.node(&format!("index {name}"), binder.span, |d| match range {
                None => {}
                Some(IndexRange::Dim(dim)) => d.node("dim", dim.span, |d| d.expr(dim)),
                Some(IndexRange::Interval(interval)) => d.interval(interval),
            }),
        }
    }

    fn interval(&mut self, interval: &Interval) {
        self.node("interval", interval.span, |d| {
            d.expr(&interval.lo);
            d.expr(&interval.hi);
        });
    }

    fn ty(&mut self, ty: &Type) {
        let rank = if ty.axes.is_some() { "" } else { " without axes" };
        self.node(&format!("type {}{rank}", element_text(&ty.element)), ty.span, |d| {
            for qualifier in &ty.qualifiers {
                match qualifier {
                    Qualifier::Secret(span) => d.leaf("secret", *span),
                    Qualifier::Public(span) => d.leaf("public", *span),
                    Qualifier::Structure(structure) => d.node(structure.kind.name(), structure.span, |d| {
                        structure.args.iter().for_each(|argument| d.argument("argument", argument));
                    }),
                }
            }
            for axis in ty.axes.iter().flatten() {
                match axis {
                    Axis::Row(name) => d.leaf(&format!("row {name}"), name.span),
                    Axis::Dim(expr) => d.expr(expr),
                }
            }
        });
    }

    fn tolerance(&mut self, tolerance: Option<&Tolerance>) {
        if let Some(tolerance) = tolerance {
            self.leaf(&format!("within {} {}", tolerance.kind.name(), number_text(&tolerance.bound)), tolerance.span);
        }
    }

    fn argument(&mut self, label: &str, argument: &Argument) {
        let label = argument.name.as_ref().map_or_else(|| label.to_owned(), |name| format!("{label} {name}"));
        self.node(&label, argument.span, |d| d.expr(&argument.value));
    }

    fn expr(&mut self, expr: &Expr) {
        let label = label(&expr.kind);
        self.node(&label, expr.span, |d| d.children(&expr.kind));
    }

    fn children(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Number(_) | ExprKind::Boolean(_) | ExprKind::Size(_) | ExprKind::Name(_) | ExprKind::Prev(_) => {}
            ExprKind::Subscript { base, subs } => {
                self.expr(base);
                for sub in subs {
                    match sub {
                        Subscript::Row(name) => self.leaf(&format!("row {name}"), name.span),
                        Subscript::At(expr) => self.expr(expr),
                    }
                }
            }
            ExprKind::Call { args, .. } => args.iter().for_each(|argument| self.argument("argument", argument)),
            ExprKind::Reduce(reduction) => {
                reduction.binders.iter().for_each(|binder| self.binder(binder));
                if let Some(guard) = &reduction.guard {
                    self.node("guard", guard.span, |d| d.expr(guard));
                }
                self.expr(&reduction.body);
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Cast { value, .. } | ExprKind::Unary { value, .. } => self.expr(value),
            ExprKind::Binary { lhs, rhs, .. } => {
                self.expr(lhs);
                self.expr(rhs);
            }
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Tuple(values) => values.iter().for_each(|value| self.expr(value)),
        }
    }
}

/// What a node is, without its children.
fn label(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Number(number) => format!("number {}", number_text(number)),
        ExprKind::Boolean(value) => value.to_string(),
        ExprKind::Size(name) => format!("size {name}"),
        ExprKind::Name(name) => format!("name {name}"),
        ExprKind::Prev(name) => format!("prev {name}"),
        ExprKind::Subscript { .. } => "subscript".to_owned(),
        ExprKind::Call { name, .. } => format!("call {name}"),
        ExprKind::Reduce(reduction) => match &reduction.accumulator {
            Some(accumulator) => format!("reduce {}:{}", reduction.name, element_text(accumulator)),
            None => format!("reduce {}", reduction.name),
        },
        ExprKind::If { .. } => "if".to_owned(),
        ExprKind::Cast { to, .. } => format!("as {}", element_text(to)),
        ExprKind::Unary { op, .. } => format!("unary {}", op.symbol()),
        ExprKind::Binary { op, .. } => format!("binary {}", op.symbol()),
        ExprKind::Paren(_) => "paren".to_owned(),
        ExprKind::Tuple(_) => "tuple".to_owned(),
    }
}

fn number_text(number: &Number) -> String {
    let kind = match number.value {
        NumberValue::Integer(_) => "integer",
        NumberValue::Float(_) => "float",
    };
    format!("{} {kind}", number.text)
}

fn element_text(element: &ElementType) -> String {
    flat(|printer| printer.element_type(element))
}
