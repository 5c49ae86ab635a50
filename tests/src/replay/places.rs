//! Segments of the format, written out.

use serde_json::Value;

/// Which numbers a segment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// `[chunk, slot, dslot, flat, dflat, count]`
    Input,
    /// `[id, slot, dslot, flat, dflat, count]`
    Output,
    /// `[slot, dslot, flat, dflat, count]`
    Elements,
    /// `[slot, dslot, count]`
    Slots,
}

/// A slot and what it holds.
pub(super) struct Place {
    /// The chunk or the id, 0 where there is none.
    pub(super) first: i64,
    pub(super) slot: usize,
    /// The element, 0 where there is none.
    pub(super) flat: usize,
}

pub(super) fn places(segments: &Value, kind: Places, slots: usize) -> Result<Vec<Place>, String> {
    let mut places = Vec::new();
    for segment in list(segments)? {
        let numbers = list(segment)?.iter().map(int).collect::<Result<Vec<_>, _>>()?;
        let [first, slot, dslot, flat, dflat, count] = match (kind, numbers.as_slice()) {
            (Places::Input | Places::Output, &[first, slot, dslot, flat, dflat, count]) => [first, slot, dslot, flat, dflat, count],
            (Places::Elements, &[slot, dslot, flat, dflat, count]) => [0, slot, dslot, flat, dflat, count],
            (Places::Slots, &[slot, dslot, count]) => [0, slot, dslot, 0, 0, count],
            _ => return Err(format!("{segment} is no segment of {kind:?}")),
        };
        for t in 0..count {
            let flat = usize::try_from(flat + t * dflat).map_err(|_| format!("{segment} has a negative element"))?;
            places.push(Place { first, slot: (slot + t * dslot).rem_euclid(slots as i64) as usize, flat });
        }
    }
    Ok(places)
}

pub(super) fn int(value: &Value) -> Result<i64, String> {
    value.as_i64().ok_or_else(|| format!("{value} is no integer"))
}

pub(super) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is no text"))
}

pub(super) fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{value} is no list"))
}
