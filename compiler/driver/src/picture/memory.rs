//! Memory against steps: which buffer lives when and where, the peak and the limit.

use super::draw::{Drawing, px};
use super::table::step_names;
use super::words;
use ein_ir::plan::lifetime::moments;
use ein_ir::plan::{Place, Plan};
use ein_opt::StepReport;
use maud::{Markup, html};

const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 300.0;
/// Height of a sentence in the place of a chart.
const WORDS: f64 = 50.0;
/// Room for the scale, the steps, and what stands above and beside.
const LEFT: f64 = 78.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 22.0;
const RIGHT: f64 = 16.0;
/// Buffers that are drawn; of more, the largest.
const MAX_LIVES: usize = 3000;
/// Points of a curve.
const MAX_POINTS: usize = 1200;
/// A limit above this many peaks is not drawn to scale.
const FAR_LIMIT: f64 = 3.0;

/// Memory of the results and intermediates of a plan, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// What is held at each moment.
    pub(crate) held: Vec<f64>,
    /// Buffers with their places; none where only sums are known.
    pub(crate) lives: Vec<Life>,
    pub(crate) peak: f64,
    pub(crate) limit: Option<f64>,
    /// What stands below each moment.
    pub(crate) names: Vec<String>,
}

/// A buffer in memory.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    name: String,
    facts: String,
    first: usize,
    last: usize,
    offset: f64,
    bytes: f64,
    is_result: bool,
}

impl Memory {
    /// Intermediates where the arena has them, results above it.
    pub(crate) fn of_plan(plan: &Plan, rows: &[StepReport]) -> Self {
        let moments = moments(plan);
        let n_moments = rows.len().max(1);
        let mut top = plan.arena_bytes as f64;
        let mut lives = Vec::new();
        for (tensor, buffer) in &plan.buffers {
            let bytes = buffer.n_bytes() as f64;
            let (first, last, offset, is_result) = match (&buffer.place, moments[tensor]) {
                (Place::Arena(offset), Some((first, last))) => (first, last, *offset as f64, false),
                (Place::Output(_), _) => {
                    top += bytes;
                    (0, n_moments - 1, top - bytes, true)
                }
                _ => continue,
            };
            let extents = words::extents(buffer.extents.iter().copied());
            let facts = format!("{}: {extents} of {}, {}", buffer.name, buffer.dtype, words::bytes(bytes));
            lives.push(Life { name: buffer.name.clone(), facts, first, last, offset, bytes, is_result });
        }
        lives.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
        lives.truncate(MAX_LIVES);
        Self {
            held: rows.iter().map(|row| row.held as f64).collect(),
            lives,
            peak: plan.peak().base as f64,
            limit: plan.header.memory_limit.map(|limit| limit as f64),
            names: step_names(rows),
        }
    }

    /// The moment at which most is held.
    fn peak_at(&self) -> usize {
        let most = self.held.iter().copied().fold(0.0, f64::max);
        self.held.iter().position(|held| *held == most).unwrap_or(0)
    }

    pub(crate) fn draw(&self) -> Drawing {
        let words = |words: &str| html! { text class="axis" x="20" y="30" { (words) } };
        if self.held.is_empty() || self.peak <= 0.0 {
            return Drawing { width: WIDTH, height: WORDS, body: words("Nothing is held: no results, no intermediates.") };
        }
        if !self.peak.is_finite() {
            return Drawing { width: WIDTH, height: WORDS, body: words("More is held than 128 bits can count.") };
        }
        Drawing { width: WIDTH, height: HEIGHT, body: self.chart(&Scale::of(self)) }
    }

    fn chart(&self, scale: &Scale) -> Markup {
        html! {
            (scale.grid())
            @if self.lives.is_empty() { path class="held" d=(self.curve(scale)) {} }
            @for (n, life) in self.lives.iter().enumerate() { (life.draw(scale, n)) }
            (self.moments(scale))
            (self.marks(scale))
        }
    }

    /// Names of moments, as many as have room.
    fn moments(&self, scale: &Scale) -> Markup {
        let longest = self.names.iter().map(|n| n.chars().count()).max().unwrap_or(1);
        let room = longest as f64 * 6.4 + 10.0;
        let every = (room / scale.moment).ceil().max(1.0) as usize;
        html! {
            @for (n, name) in self.names.iter().enumerate().step_by(every) {
                text class="axis middle" x=(px(scale.x(n as f64 + 0.5))) y=(px(HEIGHT - BOTTOM + 15.0)) { (name) }
            }
            text class="axis middle" x=(px((LEFT + WIDTH - RIGHT) / 2.0)) y=(px(HEIGHT - 4.0)) { "steps, in the order of execution" }
        }
    }

    /// The peak and the limit.
    fn marks(&self, scale: &Scale) -> Markup {
        let (peak, at) = (scale.y(self.peak), scale.x(self.peak_at() as f64 + 0.5));
        let is_high = |limit: f64| limit > FAR_LIMIT * self.peak;
        html! {
            path class="peak" d=(format!("M{} {}H{}", px(LEFT), px(peak), px(WIDTH - RIGHT))) {}
            path class="peak at" d=(format!("M{} {}V{}", px(at), px(peak), px(HEIGHT - BOTTOM))) {}
            circle class="peak" cx=(px(at)) cy=(px(peak)) r="3.5" {}
            text class="peak" x=(px(WIDTH - RIGHT - 4.0)) y=(px(peak - 5.0)) {
                "peak " (words::bytes(self.peak)) ", most held at step " (self.names.get(self.peak_at()).map_or("", String::as_str))
            }
            @match self.limit {
                Some(limit) if is_high(limit) => text class="limit" x=(px(LEFT + 4.0)) y=(px(TOP - 7.0)) { "limit " (words::bytes(limit)) ", above this scale" },
                Some(limit) => {
                    path class="limit" d=(format!("M{} {}H{}", px(LEFT), px(scale.y(limit)), px(WIDTH - RIGHT))) {}
                    text class="limit" x=(px(LEFT + 4.0)) y=(px(scale.y(limit) - 5.0)) { "limit " (words::bytes(limit)) }
                }
                None => {},
            }
        }
    }

    /// What is held as a filled curve; of many moments the most of each group.
    fn curve(&self, scale: &Scale) -> String {
        let group = self.held.len().div_ceil(MAX_POINTS).max(1);
        let mut d = format!("M{} {}", px(LEFT), px(scale.y(0.0)));
        for (n, held) in self.held.chunks(group).enumerate() {
            let most = held.iter().copied().fold(0.0, f64::max);
            let end = (n * group + held.len()) as f64;
            d.push_str(&format!("V{}H{}", px(scale.y(most)), px(scale.x(end))));
        }
        d.push_str(&format!("V{}Z", px(scale.y(0.0))));
        d
    }
}

/// From moments and bytes to pixels.
struct Scale {
    moment: f64,
    top: f64,
}

impl Scale {
    fn of(memory: &Memory) -> Self {
        let limit = memory.limit.filter(|limit| *limit <= FAR_LIMIT * memory.peak).unwrap_or(0.0);
        Self { moment: (WIDTH - LEFT - RIGHT) / memory.held.len().max(1) as f64, top: 1.06 * memory.peak.max(limit) }
    }

    fn x(&self, moment: f64) -> f64 {
        LEFT + moment * self.moment
    }

    fn y(&self, bytes: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (bytes / self.top)
    }

    fn grid(&self) -> Markup {
        // A power of two, so that the numbers are short; two lines to five.
        let step = (self.top / 5.0).log2().ceil().exp2();
        html! {
            @for n in 0..=(self.top / step) as u8 {
                @let bytes = step * f64::from(n);
                path class="grid" d=(format!("M{} {}H{}", px(LEFT), px(self.y(bytes)), px(WIDTH - RIGHT))) {}
                text class="axis end" x=(px(LEFT - 8.0)) y=(px(self.y(bytes) + 4.0)) { (words::bytes(bytes.floor())) }
            }
        }
    }
}

impl Life {
    fn draw(&self, scale: &Scale, n: usize) -> Markup {
        let (left, right) = (scale.x(self.first as f64), scale.x(self.last as f64 + 1.0));
        let (top, bottom) = (scale.y(self.offset + self.bytes), scale.y(self.offset));
        let (width, height) = ((right - left - 1.0).max(0.8), (bottom - top).max(1.0));
        let has_room = height >= 13.0 && width >= 6.4 * self.name.chars().count() as f64 + 10.0;
        let class = if self.is_result { "life result".to_owned() } else { format!("life hue{}", n % 6) };
        html! {
            g class=(class) {
                title { (self.facts) }
                rect x=(px(left + 0.5)) y=(px(top)) width=(px(width)) height=(px(height)) {}
                @if has_room { text x=(px(left + 6.0)) y=(px(top + (height / 2.0).min(14.0) + 4.0)) { (self.name) } }
            }
        }
    }
}
