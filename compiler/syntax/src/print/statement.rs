//! Statements.

use super::Printer;
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
        self.word(" = ");
        self.expr(&bind.value);
        if let Some(init) = &bind.init {
            self.word(" from ");
            self.expr(init);
        }
        if let Some(tolerance) = &bind.tolerance {
            self.tolerance(tolerance);
        }
        self.word(";");
    }

    pub(super) fn left_side(&mut self, left: &LeftSide) {
        self.bracketed("[", &left.binders, "]", Self::binder);
    }

    fn bind_many(&mut self, bind: &BindMany) {
        self.bracketed("(", &bind.names, ")", |printer, name| printer.word(name.as_str()));
        self.word(" = ");
        self.expr(&bind.value);
        self.word(";");
    }

    fn scan(&mut self, scan: &Scan) {
        self.word(if scan.reverse.is_some() { "scan reverse " } else { "scan " });
        self.binder(&scan.binder);
        self.word(" ");
        self.block(&scan.body, Self::statement);
    }

    fn fit(&mut self, fit: &Fit) {
        self.bracketed("fit (", &fit.factors, ")", Self::param);
        self.word(&format!(": {}", fit.target));
        self.left_side(&fit.left);
        self.word(" ~ ");
        self.expr(&fit.network);
        if let Some(weight) = &fit.weight {
            self.word(" weight ");
            self.expr(weight);
        }
        for (at, source) in fit.sources.iter().enumerate() {
            self.word(if at == 0 { " from " } else { " and " });
            self.expr(source);
        }
        if !fit.rules.is_empty() {
            self.word(" where ");
            self.list(&fit.rules, Self::fit_rule);
        }
        self.word(";");
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
