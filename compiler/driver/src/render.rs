//! Diagnostics as people read them. The only file that knows the renderer.

use crate::error::Source;
use ariadne::{CharSet, Config, IndexType, Label, LabelAttach, Report, ReportKind};
use ein_ir::diagnostic::{Diagnostic, Severity};
use ein_ir::span::Span;
use std::fmt::Write as _;
use std::ops::Range;

/// Renders one diagnostic, ending in a newline.
///
/// `sources` are the files that spans point into, by their numbers. Without them, or where a span lies outside its file, labels
/// become plain lines.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &[Source], colours: bool) -> String {
    match &diagnostic.primary {
        Some(primary) if source_of(primary.span, sources).is_some() => with_source(diagnostic, primary.span, sources, colours),
        _ => plain(diagnostic),
    }
}

/// The file that a span lies in, if it does.
fn source_of(span: Span, sources: &[Source]) -> Option<&Source> {
    let (start, end) = (span.start as usize, span.end as usize);
    let source = sources.get(span.file.0 as usize)?;
    (start <= end && source.text.is_char_boundary(start) && source.text.is_char_boundary(end)).then_some(source)
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn plain(diagnostic: &Diagnostic) -> String {
    let mut out = format!("[{}] {}: {}\n", diagnostic.code, severity(diagnostic), diagnostic.message);
    for label in diagnostic.primary.iter().chain(&diagnostic.others) {
        if !label.text.is_empty() {
            let _ = writeln!(out, "  {}", label.text);
        }
    }
    for note in &diagnostic.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

fn with_source(diagnostic: &Diagnostic, at: Span, sources: &[Source], colours: bool) -> String {
    let name = |span: Span| source_of(span, sources).map(|s| s.name.to_string()).unwrap_or_default();
    let range = |span: Span| (name(span), Range { start: span.start as usize, end: span.end as usize });
    let kind = ReportKind::Custom(severity(diagnostic), if colours { ariadne::Color::Red } else { ariadne::Color::Primary });
    let config = Config::default()
        .with_color(colours)
        .with_index_type(IndexType::Byte)
        .with_char_set(CharSet::Unicode)
        .with_label_attach(LabelAttach::Start)
        .with_compact(false);
    let mut report = Report::build(kind, range(at)).with_code(diagnostic.code).with_message(&diagnostic.message).with_config(config);
    let mut labels: Vec<_> = diagnostic.primary.iter().chain(&diagnostic.others).filter(|l| source_of(l.span, sources).is_some()).collect();
    labels.sort_by_key(|l| l.span);
    let labelled: Vec<Span> = labels.iter().map(|l| l.span).collect();
    for label in labels {
        let colour = if Some(label) == diagnostic.primary.as_ref() { ariadne::Color::Red } else { ariadne::Color::Blue };
        let mut shown = Label::new(range(label.span)).with_color(colour);
        if !label.text.is_empty() {
            shown = shown.with_message(&label.text);
        }
        report = report.with_label(shown);
    }
    for note in &diagnostic.notes {
        report = report.with_note(note);
    }
    if let Some(help) = &diagnostic.help {
        report = report.with_help(help);
    }
    let mut out = Vec::new();
    let files: std::collections::BTreeSet<u32> = labelled.into_iter().map(|span| span.file.0).collect();
    let shown = files.into_iter().filter_map(|n| sources.get(n as usize)).map(|s| (s.name.to_string(), harmless(&s.text)));
    let cache = ariadne::sources(shown);
    match report.finish().write(cache, &mut out) {
        Ok(()) if colours => trim_lines(&String::from_utf8_lossy(&out)),
        // The colour of a custom kind is written even where colours are off.
        Ok(()) => trim_lines(&without_escapes(&String::from_utf8_lossy(&out))),
        Err(_) => plain(diagnostic),
    }
}

/// A text of the same bytes, for a terminal: what would command it, or write from right to left, stands as a mark of the same length.
fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => c,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ if c.is_control() && c.is_ascii() => '?',
        _ if c.is_control() => '\u{bf}',
        _ => c,
    };
    text.chars().map(shown).collect()
}

/// Text without the escape sequences that set colours.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').map_or(part, |(_, rest)| rest))
}

/// Trailing blanks would make snapshots and diffs hard to read.
fn trim_lines(text: &str) -> String {
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_cannot_command_the_terminal() {
        let text = "# \u{1b}]0;title\u{7}\u{202e}\u{9b}\nx\u{1b}[31m";
        let source = Source::new("f.ein", text);
        let at = text.rfind('x').map_or(0, |at| at as u32);
        let found = Diagnostic::error(101, "unexpected", "wrong").at(Span { start: at, end: at + 1, ..Span::default() }, "here");
        for colours in [false, true] {
            let shown =
                render(&found.clone().and(Span { start: 0, end: 1, ..Span::default() }, "there"), std::slice::from_ref(&source), colours);
            assert!(!shown.contains(['\u{7}', '\u{202e}', '\u{9b}']) && !shown.contains("\u{1b}]"), "{shown}");
            assert!(without_escapes(&shown).contains("?]0;title?"), "{shown}");
        }
        assert_eq!(harmless(text).len(), text.len());
    }
}
