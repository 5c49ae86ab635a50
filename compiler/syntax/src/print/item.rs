//! Declarations.

use super::doc::{Gap, Piece};
use super::{BLOCK, CONTINUATION, Printer};
use crate::ast::{
    Const, ConstValue, Def, Derive, DimItem, DimSize, Export, Generic, GenericKind, Hint, HintItem, HintRelation, HintValue, Import,
    ImportSource, Instance, InstanceValue, Item, Law, LawKind, LawOperator, Param, Program, Reducer, Table, TableEntry, WhereItem, Wrt,
};

impl Printer {
    pub(super) fn program(&mut self, program: &Program) {
        if let Some(version) = &program.version {
            self.word(&format!("ein {};", version.number.value));
        }
        for (at, item) in program.items.iter().enumerate() {
            let is_def = |item: &Item| matches!(item, Item::Def(_));
            // An empty line around every def; lists of short declarations stay together.
            match at.checked_sub(1).and_then(|before| program.items.get(before)) {
                Some(before) if is_def(item) || is_def(before) => self.piece(Piece::Hard(Gap::Empty)),
                None if program.version.is_some() => self.piece(Piece::Hard(Gap::Empty)),
                Some(_) | None => self.piece(Piece::Hard(Gap::AsWritten)),
            }
            self.item(item);
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        match item {
            Item::Import(import) => self.import(import),
            Item::Dim(dim) => {
                self.word("dim ");
                self.group(|printer| printer.indented(CONTINUATION, |printer| printer.list(&dim.items, Self::dim_item)));
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
            ConstValue::Expr(expr) => self.indented(CONTINUATION, |printer| printer.expr(expr)),
        }
        self.word(";");
    }

    /// Rows of rows stand one a line, and numbers fill their lines.
    fn table(&mut self, table: &Table) {
        let is_row = |entry: &TableEntry| matches!(entry, TableEntry::Table(_));
        let separator = if table.entries.iter().any(is_row) { Piece::Line } else { Piece::Fill };
        self.enclosed("[", "]", Some(Piece::TrailingComma), |printer| {
            printer.separated(&table.entries, &separator, |printer, entry| match entry {
                TableEntry::Table(row) => printer.table(row),
                TableEntry::Expr(expr) => printer.expr(expr),
            });
        });
    }

    fn reducer(&mut self, reducer: &Reducer) {
        self.word(&format!("reducer {}({}, {})", reducer.name, reducer.lhs, reducer.rhs));
        self.word(" = ");
        self.group(|printer| {
            printer.indented(CONTINUATION, |printer| {
                printer.expr(&reducer.body);
                printer.line_word("from ");
                printer.expr(&reducer.identity);
                for law in &reducer.laws {
                    printer.word(",");
                    printer.line_word(&law_text(law));
                }
            });
        });
        self.word(";");
    }

    /// The results begin a line before the parameters are parted, and `where` before the results do.
    fn def(&mut self, def: &Def) {
        self.group(|printer| {
            printer.group(|printer| {
                printer.word(&format!("def {}", def.name));
                if !def.generics.is_empty() {
                    printer.bracketed_lines("<", &def.generics, ">", Self::generic);
                }
                printer.bracketed_lines("(", &def.params, ")", Self::param);
                printer.indented(CONTINUATION, |printer| printer.results(&def.results));
            });
            if !def.wheres.is_empty() {
                printer.indented(CONTINUATION, |printer| printer.wheres(&def.wheres));
            }
        });
        self.word(" ");
        self.block(&def.body, Self::statement);
    }

    fn results(&mut self, results: &[Param]) {
        self.piece(Piece::Hug);
        self.word("-> ");
        match results {
            [only] => self.param(only),
            several => self.bracketed_lines("(", several, ")", Self::param),
        }
    }

    fn wheres(&mut self, wheres: &[WhereItem]) {
        self.line_word("where ");
        self.indented(CONTINUATION, |printer| printer.separated(wheres, &Piece::Fill, Self::where_item));
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
        self.group(|printer| {
            printer.indented(CONTINUATION, |printer| {
                printer.ty(&param.ty);
                if let Some(bounds) = &param.bounds {
                    printer.word(" in ");
                    printer.interval(bounds);
                }
                if let Some(tolerance) = &param.tolerance {
                    printer.tolerance(tolerance);
                }
            });
        });
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
        self.bracketed_lines("(", &derive.wrt, ")", Self::wrt);
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

    /// On one line if it fits.
    fn hint(&mut self, hint: &Hint) {
        self.word(&format!("hint {} {{", hint.name));
        self.group(|printer| {
            printer.indented(BLOCK, |printer| {
                for item in &hint.items {
                    printer.piece(Piece::Line);
                    printer.hint_item(item);
                }
                printer.piece(Piece::End);
            });
            printer.piece(Piece::Line);
        });
        self.word("}");
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
