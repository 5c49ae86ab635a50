//! Declarations.

use super::{MAX_HEADER, Printer};
use crate::ast::{
    Const, ConstValue, Def, Derive, DimItem, DimSize, Export, Generic, GenericKind, Hint, HintItem, HintRelation, HintValue, Import,
    ImportSource, Instance, InstanceValue, Item, Law, LawKind, LawOperator, Param, Program, Reducer, Table, TableEntry, WhereItem, Wrt,
};

impl Printer {
    pub(super) fn program(&mut self, program: &Program) {
        if let Some(version) = &program.version {
            self.word(&format!("ein {};\n", version.number.value));
        }
        for (at, item) in program.items.iter().enumerate() {
            let is_def = |item: &Item| matches!(item, Item::Def(_));
            // A blank line around every def; lists of short declarations stay together.
            let apart = at > 0 && (is_def(item) || program.items.get(at - 1).is_some_and(is_def));
            if apart || (at == 0 && program.version.is_some()) {
                self.word("\n");
            }
            self.item(item);
            self.word("\n");
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        match item {
            Item::Import(import) => self.import(import),
            Item::Dim(dim) => {
                self.word("dim ");
                self.list(&dim.items, Self::dim_item);
                self.word(";");
            }
            Item::Const(constant) => self.constant(constant),
            Item::Reducer(reducer) => self.reducer(reducer),
            Item::Def(def) => self.def(def),
            Item::Derive(derive) => self.derive(derive),
            Item::Export(export) => self.export(export),
            Item::Hint(hint) => self.hint(hint),
        }
    }

    fn import(&mut self, import: &Import) {
        self.word("use ");
        match &import.source {
            ImportSource::File(file) => self.word(&format!("\"{}\"", file.value)),
            ImportSource::Module(path) => {
                let path: Vec<_> = path.iter().map(|name| name.as_str()).collect();
                self.word(&path.join("."));
            }
        }
        if let Some(alias) = &import.alias {
            self.word(&format!(" as {alias}"));
        }
        if !import.names.is_empty() {
            self.bracketed(".{", &import.names, "}", |printer, name| printer.word(name.as_str()));
        }
        self.word(";");
    }

    fn dim_item(&mut self, item: &DimItem) {
        self.word(item.name.as_str());
        match &item.size {
            None => {}
            Some(DimSize::Exactly(size)) => {
                self.word(" = ");
                self.expr(size);
            }
            Some(DimSize::Within(interval)) => {
                self.word(" in ");
                self.interval(interval);
            }
        }
    }

    fn constant(&mut self, constant: &Const) {
        self.word(&format!("const {}", constant.name));
        if let Some(left) = &constant.left {
            self.left_side(left);
        }
        if let Some(ty) = &constant.ty {
            self.word(": ");
            self.ty(ty);
        }
        self.word(" = ");
        match &constant.value {
            ConstValue::Table(table) => self.table(table),
            ConstValue::Expr(expr) => self.expr(expr),
        }
        self.word(";");
    }

    fn table(&mut self, table: &Table) {
        self.bracketed("[", &table.entries, "]", |printer, entry| match entry {
            TableEntry::Table(row) => printer.table(row),
            TableEntry::Expr(expr) => printer.expr(expr),
        });
    }

    fn reducer(&mut self, reducer: &Reducer) {
        self.word(&format!("reducer {}({}, {}) = ", reducer.name, reducer.lhs, reducer.rhs));
        self.expr(&reducer.body);
        self.word(" from ");
        self.expr(&reducer.identity);
        for law in &reducer.laws {
            self.word(", ");
            self.word(&law_text(law));
        }
        self.word(";");
    }

    fn def(&mut self, def: &Def) {
        self.word(&format!("def {}", def.name));
        if !def.generics.is_empty() {
            self.bracketed("<", &def.generics, ">", Self::generic);
        }
        let start = self.out.len();
        self.bracketed("(", &def.params, ")", Self::param);
        self.results(&def.results);
        if self.out.len() - line_start(&self.out) > MAX_HEADER {
            self.out.truncate(start);
            self.broken_params(&def.params);
            self.results(&def.results);
        }
        if !def.wheres.is_empty() {
            self.word("\n    where ");
            self.list(&def.wheres, Self::where_item);
        }
        self.word(" ");
        self.block(&def.body, Self::statement);
    }

    /// Parameters one a line.
    fn broken_params(&mut self, params: &[Param]) {
        self.word("(");
        for param in params {
            self.word("\n    ");
            self.param(param);
            self.word(",");
        }
        self.word("\n)");
    }

    fn results(&mut self, results: &[Param]) {
        self.word(" -> ");
        match results {
            [only] => self.param(only),
            several => self.bracketed("(", several, ")", Self::param),
        }
    }

    pub(super) fn generic(&mut self, generic: &Generic) {
        match generic.kind {
            GenericKind::Dim => self.word(generic.name.as_str()),
            GenericKind::Int => self.word(&format!("{}: int", generic.name)),
            GenericKind::Row => self.word(&format!("..{}", generic.name)),
        }
        if let Some(default) = generic.default {
            self.word(&format!(" = {}", default.value));
        }
    }

    pub(super) fn param(&mut self, param: &Param) {
        self.word(&format!("{}: ", param.name));
        self.ty(&param.ty);
        if let Some(bounds) = &param.bounds {
            self.word(" in ");
            self.interval(bounds);
        }
        if let Some(tolerance) = &param.tolerance {
            self.tolerance(tolerance);
        }
    }

    fn where_item(&mut self, item: &WhereItem) {
        match item {
            WhereItem::Define { name, value, .. } => {
                self.word(&format!("{name} = "));
                self.expr(value);
            }
            WhereItem::Require(condition) => self.expr(condition),
        }
    }

    fn derive(&mut self, derive: &Derive) {
        self.word(&format!("derive {} = {}({}) wrt ", derive.name, derive.mode.name(), derive.of));
        self.bracketed("(", &derive.wrt, ")", Self::wrt);
        self.word(";");
    }

    fn wrt(&mut self, wrt: &Wrt) {
        self.word(wrt.name.as_str());
        if let Some(alias) = &wrt.alias {
            self.word(&format!(" as {alias}"));
        }
    }

    fn export(&mut self, export: &Export) {
        self.word(&format!("export {}", export.name));
        if !export.instances.is_empty() {
            self.bracketed("<", &export.instances, ">", Self::instance);
        }
        if let Some(alias) = &export.alias {
            self.word(&format!(" as \"{}\"", alias.value));
        }
        if let Some(target) = &export.target {
            self.word(&format!(" for {target}"));
        }
        self.word(";");
    }

    fn instance(&mut self, instance: &Instance) {
        match instance.value {
            InstanceValue::Size(size) => self.word(&format!("{} = {}", instance.name, size.value)),
            InstanceValue::Open => self.word(&format!("{} = _", instance.name)),
        }
    }

    fn hint(&mut self, hint: &Hint) {
        self.word(&format!("hint {} ", hint.name));
        self.block(&hint.items, Self::hint_item);
    }

    fn hint_item(&mut self, item: &HintItem) {
        let relation = match item.relation {
            HintRelation::Equal => "=",
            HintRelation::AtMost => "<=",
        };
        self.word(&format!("{} {relation} ", item.key));
        match &item.value {
            HintValue::Quantity(quantity) => self.word(&format!("{}{}", quantity.count, quantity.unit.name())),
            HintValue::Expr(expr) => self.expr(expr),
        }
        self.word(";");
    }
}

pub(super) fn law_text(law: &Law) -> String {
    match &law.kind {
        LawKind::Assoc => "assoc".to_owned(),
        LawKind::Comm => "comm".to_owned(),
        LawKind::Idem => "idem".to_owned(),
        LawKind::DistributesOver(operator) => {
            let operator = match operator {
                LawOperator::Function(name) => name.as_str(),
                LawOperator::Add => "+",
                LawOperator::Mul => "*",
                LawOperator::And => "and",
                LawOperator::Or => "or",
            };
            format!("distributes over {operator}")
        }
    }
}

/// Where the last line begins.
fn line_start(text: &str) -> usize {
    text.rfind('\n').map_or(0, |at| at + 1)
}
