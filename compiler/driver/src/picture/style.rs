//! Colours and faces, in one place for pictures and pages.
//!
//! Text keeps a contrast of 4.5 and more to what is behind it, in light and in dark; no fact is told by colour alone.

/// The style of drawings.
pub(crate) const SVG: &str = include_str!("style/drawing.css");
/// The style of pages, after that of drawings.
pub(crate) const PAGE: &str = include_str!("style/page.css");
/// Zooming and sorting; a page says everything without it.
pub(crate) const SCRIPT: &str = include_str!("style/page.js");
