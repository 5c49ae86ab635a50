//! Layouts of packed programs: which slot of which ciphertext holds which element, of every input and every result.

use super::draw::{Drawing, px};
use super::words;
use ein_ir::dtype::DType;
use ein_ir::packed::layout::Content;
use ein_ir::packed::{AddressBit, Layout, Packed};
use maud::{Markup, html};

/// Cells of a ciphertext that are drawn; where there are more slots, a cell stands for several that follow each other.
const MAX_CELLS: usize = 256;
/// Cells in a row.
const COLUMNS: usize = 16;
/// Ciphertexts of a layout that are drawn.
const MAX_CHUNKS: u32 = 4;
/// Layouts that are drawn.
const MAX_LAYOUTS: usize = 12;
/// Size of a cell, and of a bit.
const CELL: (f64, f64) = (58.0, 20.0);
const BIT: f64 = 40.0;
const MARGIN: f64 = 16.0;
/// Room for a line of text.
const LINE: f64 = 20.0;
/// Colours of elements, which repeat.
const HUES: u64 = 6;

/// The layouts of a program as an SVG document.
#[must_use]
pub fn packed_svg(program: &Packed) -> String {
    let inputs = program.inputs.values().map(|input| (&input.name, input.dtype, &input.layout));
    let outputs = program.outputs.iter().map(|output| (&output.name, output.dtype, &output.layout));
    let all: Vec<_> = inputs.chain(outputs).collect();
    // Each says itself what it is of, also the first.
    let drawings: Vec<(String, Drawing)> =
        all.iter().take(MAX_LAYOUTS).map(|(name, dtype, layout)| (String::new(), draw(&title(name, *dtype, layout), layout))).collect();
    let left_out = if all.len() > MAX_LAYOUTS { format!(" · {} more layouts", all.len() - MAX_LAYOUTS) } else { String::new() };
    let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (inputs, results) = (many(program.inputs.len(), "input"), many(program.outputs.len(), "result"));
    let slots = format!("{} slots a ciphertext, {inputs}, {results}{left_out}", program.slots);
    let name = if program.name.is_empty() { "packed program" } else { program.name.as_str() };
    super::clean(&super::document(name, &[slots, program.counts().to_string()], &drawings, LEGEND).into_string())
}

const LEGEND: &str = "A cell: the position of its element; colour: that along the first axis. ?: anything. +: and others.";

/// `A: f32[16, 32] [slots: a0.3-0 a1.4-0]`
fn title(name: &str, dtype: DType, layout: &Layout) -> String {
    words::shorten(&format!("{}: {dtype}{:?} {layout}", words::shorten(name, 40), layout.shape), 170)
}

fn draw(title: &str, layout: &Layout) -> Drawing {
    let n_chunks = layout.n_chunks();
    let n_drawn = n_chunks.min(MAX_CHUNKS);
    let grid = Grid::of(layout);
    let (top, gap) = if n_chunks > 1 { (3.0 * LINE + CELL.1, 1.5 * LINE) } else { (2.0 * LINE + CELL.1, 0.5 * LINE) };
    let each = grid.height() + gap;
    let body = html! {
        text class="axis" x=(px(MARGIN)) y=(px(LINE - 5.0)) { (title) }
        (bits(layout, LINE))
        @for chunk in 0..n_drawn {
            @let y = top + f64::from(chunk) * each;
            @if n_chunks > 1 { text class="axis" x=(px(MARGIN)) y=(px(y - 6.0)) { "ciphertext " (chunk) } }
            (grid.draw(layout, chunk, y))
        }
        @if n_chunks > n_drawn {
            text class="axis" x=(px(MARGIN)) y=(px(top + f64::from(n_drawn) * each)) { "and " (n_chunks - n_drawn) " more ciphertexts" }
        }
    };
    let more = if n_chunks > n_drawn { LINE } else { 0.0 };
    let n_bits = layout.slots.len() + layout.chunks.len();
    let width = (grid.columns as f64 * CELL.0).max((n_bits + 1) as f64 * BIT) + 2.0 * MARGIN;
    Drawing { width, height: top + f64::from(n_drawn) * each + more, body }
}

/// The bits of an address, the highest first, those of the ciphertext apart.
fn bits(layout: &Layout, y: f64) -> Markup {
    let slots = layout
        .slots
        .iter()
        .rev()
        .enumerate()
        .map(|(n, bit)| (n as f64 + if layout.chunks.is_empty() { 0.0 } else { 0.5 }, bit, layout.chunks.len()));
    let chunks = layout.chunks.iter().rev().enumerate().map(|(n, bit)| (n as f64, bit, 0));
    html! {
        @for (n, bit, before) in chunks.chain(slots) {
            @let x = MARGIN + (n + before as f64) * BIT;
            @let (class, word) = bit_words(*bit);
            g class=(class) {
                rect x=(px(x)) y=(px(y)) width=(px(BIT - 2.0)) height=(px(CELL.1)) rx="3" {}
                text x=(px(x + BIT / 2.0 - 1.0)) y=(px(y + 14.0)) { (word) }
            }
        }
    }
}

fn bit_words(bit: AddressBit) -> (String, String) {
    match bit {
        AddressBit::Axis { axis, bit } => (format!("cell hue{}", u64::from(axis) % HUES), format!("a{axis}.{bit}")),
        AddressBit::Rep => ("cell rep".to_owned(), "rep".to_owned()),
        AddressBit::Zero => ("cell zero".to_owned(), "zero".to_owned()),
        AddressBit::Junk => ("cell junk".to_owned(), "junk".to_owned()),
    }
}

/// How the slots of a ciphertext are put into cells.
struct Grid {
    n_cells: usize,
    columns: usize,
    slots_a_cell: usize,
}

impl Grid {
    const fn of(layout: &Layout) -> Self {
        let n = 1 << layout.slots.len();
        let n_cells = if n < MAX_CELLS { n } else { MAX_CELLS };
        Self { n_cells, columns: if n_cells < COLUMNS { n_cells } else { COLUMNS }, slots_a_cell: n / n_cells }
    }

    fn height(&self) -> f64 {
        self.n_cells.div_ceil(self.columns) as f64 * CELL.1
    }

    fn draw(&self, layout: &Layout, chunk: u32, top: f64) -> Markup {
        let contents: Vec<Content> = layout.contents(chunk).collect();
        html! {
            @for (n, slots) in contents.chunks(self.slots_a_cell).enumerate() {
                @let (x, y) = (MARGIN + (n % self.columns) as f64 * CELL.0, top + (n / self.columns) as f64 * CELL.1);
                @let (class, word) = cell_words(layout, slots);
                g class=(class) {
                    title { (facts(layout, slots, n * self.slots_a_cell)) }
                    rect x=(px(x)) y=(px(y)) width=(px(CELL.0)) height=(px(CELL.1)) {}
                    text x=(px(x + CELL.0 / 2.0)) y=(px(y + 14.0)) { (word) }
                }
            }
        }
    }
}

/// The class of a cell, and what stands in it: its first element, if it has one.
fn cell_words(layout: &Layout, slots: &[Content]) -> (String, String) {
    let kind = |content: &Content| std::mem::discriminant(content);
    let mixed = if slots.iter().any(|slot| kind(slot) != kind(&slots[0])) { "+" } else { "" };
    let element = slots.iter().find_map(|slot| if let Content::Element(flat) = slot { Some(*flat) } else { None });
    match element {
        Some(flat) => {
            let position = position(layout, flat);
            let first = layout.shape.iter().position(|&size| size > 1).map_or(0, |axis| position[axis]);
            (format!("cell hue{}", first % HUES), words::shorten(&format!("{}{mixed}", spelled(&position)), 9))
        }
        None if slots.contains(&Content::Junk) => ("cell junk".to_owned(), format!("?{mixed}")),
        None => ("cell zero".to_owned(), "zero".to_owned()),
    }
}

/// `slots 64 to 127: 1,0 to 1,63`, with how many hold no element.
fn facts(layout: &Layout, slots: &[Content], from: usize) -> String {
    let elements: Vec<u64> = slots.iter().filter_map(|slot| if let Content::Element(flat) = slot { Some(*flat) } else { None }).collect();
    let place = if slots.len() == 1 { format!("slot {from}") } else { format!("slots {from} to {}", from + slots.len() - 1) };
    let spelled = |flat: u64| spelled(&position(layout, flat));
    let held = match elements.as_slice() {
        [] => None,
        [one] => Some(spelled(*one)),
        [first, .., last] => Some(format!("{} elements, {} first, {} last", elements.len(), spelled(*first), spelled(*last))),
    };
    let many = |content, word: &str| match slots.iter().filter(|slot| **slot == content).count() {
        0 => None,
        n if n == slots.len() => Some(word.to_owned()),
        n => Some(format!("{n} {word}")),
    };
    let parts: Vec<String> = [held, many(Content::Zero, "zero"), many(Content::Junk, "anything")].into_iter().flatten().collect();
    format!("{place}: {}", parts.join(", "))
}

fn position(layout: &Layout, mut flat: u64) -> Vec<u64> {
    let mut position: Vec<u64> = layout
        .shape
        .iter()
        .rev()
        .map(|&size| {
            let at = flat % size.max(1);
            flat /= size.max(1);
            at
        })
        .collect();
    position.reverse();
    position
}

/// `3,4`; a scalar is `()`.
fn spelled(position: &[u64]) -> String {
    let positions: Vec<String> = position.iter().map(u64::to_string).collect();
    if positions.is_empty() { "()".to_owned() } else { positions.join(",") }
}
