//! A text with the places where its lines may break, and its layout within a width.
//!
//! A document is a flat list of pieces. Groups nest: a group that fits the rest of its line is laid out without a break, and one
//! that does not breaks at each of its own places. Every width is known before the layout begins, so the whole takes linear time.
//! Source: D. C. Oppen, "Prettyprinting", 1980, with consistent breaks.

/// No line is indented further, in characters: deep nesting must not square the size of a text.
const MAX_INDENT: usize = 60;

/// One element of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words without a line end.
    Text(String),
    /// The start of a group.
    Open,
    /// The end of the innermost group.
    Close,
    /// Lines after this begin so many characters further to the right.
    Indent(usize),
    /// Lines after this begin so far to the right as the current one.
    IndentRow,
    /// Undoes the last [`Piece::Indent`] or [`Piece::IndentRow`].
    Dedent,
    /// The end of a list or a block: comments before its bracket belong inside.
    End,
    /// A space, or a line end where the group is broken.
    Line,
    /// Nothing, or a line end where the group is broken.
    Soft,
    /// A space, or a line end where what follows up to the next one would not fit the line, whatever the group does.
    Fill,
    /// A space after a group that was broken, otherwise as [`Piece::Line`].
    Hug,
    /// A comma where the group is broken: the last one of a list that stands one entry a line.
    TrailingComma,
    /// A line end.
    Hard(Gap),
    /// Before the `=` of an equation: so many spaces, by which runs of equations are aligned.
    Align(usize),
    /// A comment from its `#`; what follows begins a new line.
    Comment {
        /// The comment.
        text: String,
        /// Whether it stands behind something on its line.
        trailing: bool,
        /// Whether an empty line stands before it.
        apart: bool,
    },
}

/// What may stand between two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// No empty line, whatever the author wrote.
    None,
    /// One empty line if the author left any.
    AsWritten,
    /// One empty line.
    Empty,
}

impl Piece {
    /// Characters where no line breaks.
    fn flat_width(&self) -> usize {
        match self {
            Piece::Text(text) => text.chars().count(),
            Piece::Line | Piece::Fill | Piece::Hug => 1,
            Piece::Align(spaces) => *spaces,
            _ => 0,
        }
    }

    /// Whether a line may end here.
    fn is_break(&self) -> bool {
        matches!(self, Piece::Line | Piece::Soft | Piece::Fill | Piece::Hug | Piece::Hard(_) | Piece::Comment { .. })
    }
}

/// The text of a document on one line. It must hold neither comments nor hard line ends.
pub(super) fn flat(pieces: &[Piece]) -> String {
    render(pieces, usize::MAX).trim().to_owned()
}

/// The text of a document in lines of at most `width` characters where that is possible.
pub(super) fn render(pieces: &[Piece], width: usize) -> String {
    let mut layout = Layout { width, ..Layout::default() };
    for (piece, room) in pieces.iter().zip(rooms(pieces)) {
        layout.piece(piece, room);
    }
    layout.finish()
}

/// For each piece the characters that must fit behind it on its line: for the start of a group, all of the group and what
/// follows up to the next place to break; for an entry of a filled list the whole entry; for other pieces what follows up to the next
/// place to break. `usize::MAX` for what cannot fit.
fn rooms(pieces: &[Piece]) -> Vec<usize> {
    let mut rooms = vec![0; pieces.len()];
    // Of the text between here and the next place to break, the next entry of a filled list, and the end of the document.
    let (mut until_break, mut until_entry, mut until_end) = (0, 0, 0);
    let mut hard_breaks = 0_usize;
    // For each open group, counted from its end: the text behind it, the text to the end of the document, the hard breaks.
    let mut groups: Vec<(usize, usize, usize)> = Vec::new();
    for (piece, room) in pieces.iter().zip(&mut rooms).rev() {
        *room = until_break;
        match piece {
            Piece::Close => groups.push((until_break, until_end, hard_breaks)),
            Piece::Open => {
                if let Some((behind, end, hard)) = groups.pop() {
                    *room = if hard < hard_breaks { usize::MAX } else { until_end - end + behind };
                }
            }
            Piece::Hard(_) | Piece::Comment { .. } => hard_breaks += 1,
            Piece::Fill => *room = until_entry,
            _ => {}
        }
        let ends_entry = matches!(piece, Piece::Fill | Piece::Hard(_) | Piece::Comment { .. });
        until_entry = if ends_entry { 0 } else { until_entry + piece.flat_width() };
        until_end += piece.flat_width();
        until_break = if piece.is_break() { 0 } else { until_break + piece.flat_width() };
    }
    rooms
}

/// A finished line: its code, and the comment behind it.
#[derive(Default)]
struct Row {
    code: String,
    comment: Option<String>,
}

#[derive(Default)]
struct Layout {
    width: usize,
    rows: Vec<Row>,
    row: Row,
    /// Characters in the code of the row.
    column: usize,
    indents: Vec<usize>,
    /// Spaces before the code of the row.
    row_indent: usize,
    /// Spaces before the next row, if a place to break ended the last one.
    break_indent: Option<usize>,
    /// For each open group whether it is broken.
    broken: Vec<bool>,
    /// Whether the last group that ended was broken.
    last_broken: bool,
    /// Whether a comment ends the row, so that nothing may follow on it.
    ended: bool,
    /// Whether an empty row is due before the next one that has anything.
    gap: bool,
}

impl Layout {
    fn piece(&mut self, piece: &Piece, room: usize) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Open => {
                let broken = self.is_broken() && !self.fits(room);
                self.broken.push(broken);
            }
            Piece::Close => self.last_broken = self.broken.pop().unwrap_or(false),
            Piece::Indent(by) => self.indents.push(self.margin() + by),
            Piece::IndentRow => self.indents.push(if self.row.code.is_empty() { self.margin() } else { self.row_indent }),
            Piece::Dedent => drop(self.indents.pop()),
            Piece::Line => self.line(self.is_broken(), " "),
            Piece::Soft => self.line(self.is_broken(), ""),
            Piece::Fill => self.line(!self.fits(room.saturating_add(1)), " "),
            Piece::Hug => self.line(self.is_broken() && !self.last_broken, " "),
            Piece::TrailingComma if self.is_broken() => self.text(","),
            Piece::TrailingComma | Piece::End => {}
            Piece::Hard(gap) => {
                self.new_row();
                self.gap = *gap == Gap::Empty;
            }
            Piece::Align(spaces) => self.text(&" ".repeat(*spaces)),
            Piece::Comment { text, trailing, apart } => self.comment(text, *trailing, *apart),
        }
    }

    /// Outside every group lines break.
    fn is_broken(&self) -> bool {
        self.broken.last().copied().unwrap_or(true)
    }

    fn fits(&self, room: usize) -> bool {
        room <= self.width.saturating_sub(self.column)
    }

    fn text(&mut self, text: &str) {
        if self.ended {
            self.new_row();
        }
        let text = if self.row.code.is_empty() { text.trim_start_matches(' ') } else { text };
        if text.is_empty() {
            return;
        }
        if self.row.code.is_empty() {
            self.indent();
        }
        self.row.code.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self, broken: bool, otherwise: &str) {
        if broken || self.ended {
            self.new_row()
        } else {
            self.text(otherwise)
        }
        // The column of the break, not that of the operand with which the row may begin.
        self.break_indent = self.row.code.is_empty().then(|| self.margin());
    }

    fn comment(&mut self, text: &str, trailing: bool, apart: bool) {
        if trailing && !self.row.code.is_empty() && !self.ended {
            self.row.comment = Some(text.to_owned());
        } else {
            self.new_row();
            self.gap = apart;
            self.indent();
            self.row.code.push_str(text);
        }
        self.ended = true;
    }

    /// Begins the code of a row.
    fn indent(&mut self) {
        if std::mem::take(&mut self.gap) && !self.rows.is_empty() {
            self.rows.push(Row::default());
        }
        self.row_indent = self.break_indent.take().unwrap_or_else(|| self.margin()).min(MAX_INDENT);
        self.column = self.row_indent;
        self.row.code = " ".repeat(self.column);
    }

    fn margin(&self) -> usize {
        self.indents.last().copied().unwrap_or(0)
    }

    fn new_row(&mut self) {
        self.ended = false;
        self.column = 0;
        self.gap = false;
        let row = std::mem::take(&mut self.row);
        if !row.code.is_empty() {
            self.rows.push(Row { code: row.code.trim_end_matches(' ').to_owned(), ..row });
        }
    }

    fn finish(mut self) -> String {
        self.new_row();
        let mut out = String::new();
        for (row, column) in self.rows.iter().zip(comment_columns(&self.rows)) {
            out.push_str(&row.code);
            if let Some(comment) = &row.comment {
                out.extend(std::iter::repeat_n(' ', column - row.code.chars().count()));
                out.push_str(comment);
            }
            out.push('\n');
        }
        out
    }
}

/// Where the comment of each row stands: at least two spaces behind the code, and in one column for rows of one indentation that
/// follow each other.
fn comment_columns(rows: &[Row]) -> Vec<usize> {
    let indent = |row: &Row| row.code.len() - row.code.trim_start_matches(' ').len();
    let mut columns = Vec::with_capacity(rows.len());
    for run in rows.chunk_by(|a, b| a.comment.is_some() && b.comment.is_some() && indent(a) == indent(b)) {
        let widest = run.iter().map(|row| row.code.chars().count()).max().unwrap_or(0);
        columns.extend(std::iter::repeat_n(widest + 2, run.len()));
    }
    columns
}
