//! Statements.

use super::doc::Piece;
use super::{CONTINUATION, Printer};
use crate::ast::{Bind, BindMany, Fit, FitRule, LeftSide, Scan, Statement};

impl Printer {
    pub(super) fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Bind(bind) => self.bind(bind),
            Statement::BindMany(bind) => self.bind_many(bind),
            Statement::Scan(scan) => self.scan(scan),
            Statement::Fit(fit) => self.fit(fit),
        }
    }

    pub(super) fn bind(&mut self, bind: &Bind) {
        self.word(bind.name.as_str());
        if let Some(left) = &bind.left {
            self.left_side(left);
        }
        if let Some(ty) = &bind.ty {
            self.word(": ");
            self.ty(ty);
        }
        self.piece(Piece::Align(0));
        self.word(" = ");
        self.group(|printer| {
            printer.indented(CONTINUATION, |printer| {
                printer.expr(&bind.value);
                if let Some(init) = &bind.init {
                    printer.line_word("from ");
                    printer.expr(init);
                }
                if let Some(tolerance) = &bind.tolerance {
                    printer.tolerance(tolerance);
                }
            });
        });
        self.word(";");
    }

    pub(super) fn left_side(&mut self, left: &LeftSide) {
        self.bracketed("[", &left.binders, "]", Self::binder);
    }

    fn bind_many(&mut self, bind: &BindMany) {
        self.bracketed("(", &bind.names, ")", |printer, name| printer.word(name.as_str()));
        self.piece(Piece::Align(0));
        self.word(" = ");
        self.indented(CONTINUATION, |printer| printer.expr(&bind.value));
        self.word(";");
    }

    fn scan(&mut self, scan: &Scan) {
        self.word(if scan.reverse.is_some() { "scan reverse " } else { "scan " });
        self.binder(&scan.binder);
        self.word(" ");
        self.block(&scan.body, Self::statement);
    }

    fn fit(&mut self, fit: &Fit) {
        self.group(|printer| {
            printer.bracketed("fit (", &fit.factors, ")", Self::param);
            printer.word(&format!(": {}", fit.target));
            printer.left_side(&fit.left);
            printer.indented(CONTINUATION, |printer| printer.fit_network(fit));
        });
        self.word(";");
    }

    fn fit_network(&mut self, fit: &Fit) {
        self.line_word("~ ");
        self.expr(&fit.network);
        if let Some(weight) = &fit.weight {
            self.line_word("weight ");
            self.expr(weight);
        }
        for (at, source) in fit.sources.iter().enumerate() {
            self.line_word(if at == 0 { "from " } else { "and " });
            self.expr(source);
        }
        if !fit.rules.is_empty() {
            self.line_word("where ");
            self.group(|printer| printer.list(&fit.rules, Self::fit_rule));
        }
    }

    fn fit_rule(&mut self, rule: &FitRule) {
        match rule {
            FitRule::By { rank, criterion, .. } => {
                self.word(&format!("{rank} by "));
                self.expr(criterion);
            }
            FitRule::Argument(argument) => self.argument(argument),
        }
    }
}
