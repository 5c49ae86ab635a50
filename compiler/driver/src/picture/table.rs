//! The steps of a plan as a table.

use super::network::Contractions;
use super::words;
use ein_opt::StepReport;

/// Rows of a table; of more steps, the dearest.
const MAX_ROWS: usize = 2000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// Steps that have no row, as they cost least.
    pub(crate) left_out: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) is_number: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Which step, as nodes name it.
    pub(crate) number: usize,
    /// Recurrences around.
    pub(crate) depth: usize,
    pub(crate) cells: Vec<Cell>,
    /// Part of the cost of the whole.
    pub(crate) share: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// The exact value of a number that is shown in short.
    pub(crate) value: Option<f64>,
}

/// `s2`, and `s2.1` for the first step in the turn of a recurrence.
pub(crate) fn step_names(rows: &[StepReport]) -> Vec<String> {
    let mut counters: Vec<usize> = Vec::new();
    let name = |row: &StepReport| {
        counters.resize(row.depth, 0);
        if let Some(last) = counters.last_mut() {
            *last += 1;
        }
        counters.iter().fold(row.step.to_string(), |name, n| format!("{name}.{n}"))
    };
    rows.iter().map(name).collect()
}

const fn words_column(name: &'static str) -> Column {
    Column { name, is_number: false }
}

const fn number_column(name: &'static str) -> Column {
    Column { name, is_number: true }
}

fn text(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), value: None }
}

fn number(value: f64, text: String) -> Cell {
    Cell { text, value: Some(value) }
}

impl Table {
    pub(crate) fn of_program(rows: &[StepReport]) -> Self {
        let total: f64 = rows.iter().filter(|r| r.depth == 0).map(|r| r.time as f64).sum();
        let columns = vec![
            words_column("step"),
            words_column("what"),
            words_column("modes by class"),
            number_column("flops"),
            number_column("bytes"),
            number_column("held"),
            number_column("time"),
            words_column("kernel"),
            words_column("why"),
        ];
        let names = step_names(rows);
        let row = |(number, report): (usize, &StepReport)| Row {
            number,
            depth: report.depth,
            cells: program_cells(&names[number], report),
            share: if report.depth == 0 { report.time as f64 / total.max(1.0) } else { 0.0 },
        };
        Self { columns, rows: rows.iter().enumerate().map(row).collect(), left_out: 0 }.shortened()
    }

    pub(crate) fn of_network(steps: &Contractions<'_>) -> Self {
        let columns = vec![
            words_column("step"),
            words_column("tensors"),
            words_column("result"),
            words_column("kept"),
            words_column("summed"),
            number_column("multiplications"),
            number_column("bytes made"),
            number_column("held"),
        ];
        let row = |number| Row { number, depth: 0, cells: steps.cells(number), share: steps.shares[number] };
        Self { columns, rows: (0..steps.sizes.len()).map(row).collect(), left_out: 0 }.shortened()
    }

    fn shortened(mut self) -> Self {
        self.left_out = self.rows.len().saturating_sub(MAX_ROWS);
        if self.left_out > 0 {
            self.rows.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.number.cmp(&b.number)));
            self.rows.truncate(MAX_ROWS);
            self.rows.sort_by_key(|row| row.number);
        }
        self
    }
}

fn program_cells(name: &str, report: &StepReport) -> Vec<Cell> {
    let groups = report.groups.iter().map(|group| {
        let modes: Vec<String> = group.modes.iter().map(|(name, extent)| format!("{name}={extent}")).collect();
        format!("{} {}", group.class, modes.join(" "))
    });
    vec![
        text(name),
        text(&report.what),
        text(groups.collect::<Vec<_>>().join("; ")),
        number(report.flops as f64, words::count(report.flops as f64)),
        number(report.bytes as f64, words::bytes(report.bytes as f64)),
        number(report.held as f64, words::bytes(report.held as f64)),
        number(report.time as f64, ein_opt::duration(report.time)),
        text(report.strategy),
        text(&report.why),
    ]
}

impl Contractions<'_> {
    fn cells(&self, step: usize) -> Vec<Cell> {
        let sizes = &self.sizes[step];
        let tensors: Vec<String> = self.path[step].iter().map(ToString::to_string).collect();
        let (made, held) = (self.log2_bytes(sizes.log2_out), self.held(step));
        vec![
            text(step.to_string()),
            text(tensors.join(" ")),
            text((self.slice.n_operands() + step).to_string()),
            text(self.names(&sizes.out)),
            text(self.names(&sizes.summed)),
            number(sizes.log2_volume, words::count_log2(sizes.log2_volume)),
            number(made, words::bytes_log2(made)),
            number(held, words::bytes(held)),
        ]
    }
}
