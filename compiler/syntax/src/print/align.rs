//! Alignment of the `=` of equations that follow each other.

use super::doc::{Gap, Piece};

/// Equations whose left sides differ by more characters than this are not aligned: the gap would hide which belongs to which.
const MAX_PADDING: usize = 20;

/// An equation on the way through the pieces.
#[derive(Clone, Copy)]
struct Left {
    /// Its [`Piece::Align`].
    at: usize,
    /// Characters before it.
    width: usize,
}

/// Sets the spaces of every [`Piece::Align`]: in a run of equations, without anything between them, all `=` stand in one column.
pub(super) fn align(pieces: &mut [Piece]) {
    let mut aligner = Aligner::default();
    for (at, piece) in pieces.iter().enumerate() {
        aligner.piece(at, piece);
    }
    aligner.end_run();
    for (at, spaces) in aligner.spaces {
        if let Some(piece) = pieces.get_mut(at) {
            *piece = Piece::Align(spaces);
        }
    }
}

#[derive(Default)]
struct Aligner {
    run: Vec<Left>,
    /// Characters since the start of the statement.
    width: usize,
    /// Whether the statement may have an `=` to align: its left side was not seen to the end, and has no comment inside.
    open: bool,
    /// Whether the statement is an equation.
    aligned: bool,
    spaces: Vec<(usize, usize)>,
}

impl Aligner {
    fn piece(&mut self, at: usize, piece: &Piece) {
        match piece {
            Piece::Hard(gap) => {
                if !self.aligned || *gap == Gap::Empty {
                    self.end_run();
                }
                (self.width, self.open, self.aligned) = (0, true, false);
            }
            Piece::Comment { trailing, .. } => {
                self.open = false;
                // A comment behind an equation belongs to it; one on a line of its own parts the lines around it.
                if !trailing {
                    self.end_run();
                }
            }
            Piece::Text(text) => self.width += text.chars().count(),
            Piece::Line => self.width += 1,
            Piece::Align(_) if self.open => {
                self.left(Left { at, width: self.width });
                (self.open, self.aligned) = (false, true);
            }
            _ => {}
        }
    }

    /// One more equation of the run, or the first of the next one.
    fn left(&mut self, left: Left) {
        let widths = || self.run.iter().map(|l| l.width).chain([left.width]);
        let spread = widths().max().unwrap_or(0) - widths().min().unwrap_or(0);
        if spread > MAX_PADDING {
            self.end_run();
        }
        self.run.push(left);
    }

    fn end_run(&mut self) {
        let widest = self.run.iter().map(|left| left.width).max().unwrap_or(0);
        self.spaces.extend(self.run.drain(..).map(|left| (left.at, widest - left.width)));
    }
}
